import { withReleasers } from "../core/releasers.ts";
import { connectDestination } from "../mongo/connect-destination.ts";
import { migrationFolder } from "../plan/inputs.ts";
import type { Plan } from "../plan/plan.ts";
import type { Undone } from "../plan/undone.ts";
import type { FilesContext } from "./context.ts";
import { restoreFoldersOf, undoCollections } from "./undo-collections.ts";
import { undoDocuments } from "./undo-documents.ts";
import { undoFiles } from "./undo-files.ts";
import type { Undoing } from "./undo-rules.ts";
import { openTally } from "./undo-tally.ts";

export interface UndoRequest {
  plan: Plan;
  /** All runs of the migration, the first one first. */
  runs: readonly string[];
  /** Without it nothing is written. */
  act: boolean;
}

/**
 * Takes a migration back, as far as nobody changed since what it wrote: documents first, then the
 * files that they name. What is taken back is forgotten by the ledger at once, so that it can be
 * stopped or killed at any moment and be done again.
 */
export async function undoMigration(
  { plan, runs, act }: UndoRequest,
  ctx: FilesContext,
): Promise<Undone> {
  const folder = migrationFolder(plan);
  const list = `${folder}/undo.ndjson`;
  return withReleasers(async (release) => {
    const tally = await openTally(act ? list : undefined);
    release(() => tally.close());
    const restoreFolders = await restoreFoldersOf(folder);
    const undoing: Undoing = { runs, restoreFolders, tally, act };
    const { database } = plan.destination;
    if (database !== undefined && plan.migrationType !== "files") {
      const { signal, log } = ctx;
      const destination = await connectDestination(database, { signal, log });
      release(() => destination.close());
      await undoDocuments(undoing, destination, ctx);
      await undoCollections(undoing, destination, ctx);
    }
    await undoFiles(undoing, ctx);
    if (act) ctx.ledger.completions.forget(runs);
    const { counts, examples } = tally;
    const remarks = remarksOn(plan);
    return { name: plan.name, done: act, counts, examples, remarks, ...(act ? { list } : {}) };
  });
}

function remarksOn({ application, options }: Plan): string[] {
  const cleared = application.after.flatMap(({ clear }) => clear ?? []);
  const isCleared = options.after === "run" && cleared.length > 0;
  return [
    ...(options.prune === true ? ["What --prune removed is not brought back"] : []),
    ...(isCleared ? [`What was cleared after the migration stays so: ${cleared.join(", ")}`] : []),
  ];
}
