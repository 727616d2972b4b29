import { z } from "zod";
import { withReleasers } from "../core/releasers.ts";
import { openArchive } from "../mongo/archive/open.ts";
import { connectSource } from "../mongo/connect.ts";
import { connectDestination } from "../mongo/connect-destination.ts";
import { type TakenAway, takeAway } from "../mongo/own-documents.ts";
import { restoreSourceOf } from "../mongo/restore-archive.ts";
import { idToJson } from "../mongo/restore-outcome.ts";
import { stoppable } from "../mongo/restore-stop.ts";
import type { StepInputs } from "../plan/steps.ts";
import { lackedBySource } from "./absent-documents.ts";
import type { WorkerContext } from "./context.ts";
import { type KeptLines, keepList, type Pruned, removeListed } from "./prune-list.ts";
import {
  type DocumentSides,
  type VanishedDocument,
  vanishedDocuments,
} from "./vanished-documents.ts";

type Input = StepInputs["db-prune"];

const Line = z.looseObject({
  collection: z.string(),
  idBytes: z.string(),
  kept: z.string().optional(),
});
type Line = z.infer<typeof Line>;

/**
 * Removes the documents that vanished at the source, that runs of this scope wrote, and that nobody
 * changed since. They are all listed before the first one goes.
 */
export async function pruneDatabase(input: Input, ctx: WorkerContext): Promise<Pruned> {
  const { signal, log, clock, retryBudget, run } = ctx;
  return withReleasers(async (release) => {
    const archive = await openArchive(input.archive);
    release(() => archive.close());
    const source = await connectSource(input.source, { signal, log });
    release(() => source.close());
    const destination = await connectDestination(input.destination, { signal, log });
    release(() => destination.close());
    const sides: DocumentSides = {
      ...{ source, destination, run, ledger: ctx.ledger.documents },
      ...{ application: input.application, scope: input.scope },
      ...{ includeCollections: input.includeCollections, archive: restoreSourceOf(archive) },
      retry: { clock, signal, retryBudget },
    };
    const list = `${input.out}/documents.ndjson`;
    await stoppable(signal, () => keepList(list, run, lines(vanishedDocuments(sides))));
    const removing = { out: input.out, part: "documents", schema: Line, ctx } as const;
    return await removeListed(removing, (some, kept) => removeSome(some, { sides, ctx, kept }));
  });
}

async function* lines(found: AsyncIterable<VanishedDocument>): AsyncGenerator<object> {
  for await (const { collection, id, kept } of found) {
    const why = kept === undefined ? {} : { kept };
    yield { collection, id: idToJson(id), idBytes: id.toString("base64"), ...why };
  }
}

interface Pruning {
  sides: DocumentSides;
  ctx: WorkerContext;
  kept: KeptLines;
}

/** Returns how many are kept. */
async function removeSome(some: readonly Line[], pruning: Pruning): Promise<number> {
  let left = 0;
  for (const [collection, of] of Map.groupBy(some, (line) => line.collection)) {
    left += await removeFrom(collection, of, pruning);
  }
  return left;
}

async function removeFrom(
  collection: string,
  some: readonly Line[],
  { sides, ctx, kept }: Pruning,
): Promise<number> {
  const { source, destination, retry } = sides;
  const ledger = ctx.ledger.documents;
  const keep = (line: Line, reason: string) => kept.add({ ...line, kept: reason });
  const going = some.filter((line) => line.kept === undefined);
  for (const line of some) if (line.kept !== undefined) keep(line, line.kept);
  const ids = going.map(({ idBytes }) => Buffer.from(idBytes, "base64"));
  // Days may lie between the list and an attempt that goes on with it.
  const lacks = await lackedBySource(source, collection, ids, ctx.signal);
  await ledger.prepareLookups();
  const known = ledger.known(collection, ids);
  const wanted = going.flatMap((line, at) => {
    const [id, record] = [ids[at], known[at]?.record];
    if (lacks[at] !== true) keep(line, "the source has it again");
    // Without a record it was removed by an attempt before.
    return lacks[at] === true && id && record ? [{ line, id, record }] : [];
  });
  await ctx.guard();
  const ends = await takeAway(wanted, { collection, destination, ledger, retry });
  for (const [at, { line }] of wanted.entries()) {
    const reason = whyKept(ends[at] ?? "changed");
    if (reason !== undefined) keep(line, reason);
  }
  const gone = wanted.filter((_, at) => whyKept(ends[at] ?? "changed") === undefined);
  ledger.forget(
    collection,
    gone.map(({ id }) => id),
  );
  const again = lacks.filter((lack) => lack !== true).length;
  return some.length - going.length + again + (wanted.length - gone.length);
}

export function whyKept(end: TakenAway): string | undefined {
  if (typeof end === "object") return `the server refuses it (${end.refused})`;
  return end === "changed" ? "it was changed since it was written" : undefined;
}
