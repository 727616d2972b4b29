import { withReleasers } from "../core/releasers.ts";
import { printablePath } from "../files/entry.ts";
import { openInventory } from "../files/inventory.ts";
import { openLocalTree } from "../files/local-tree.ts";
import { connectSource } from "../mongo/connect.ts";
import { connectDestination } from "../mongo/connect-destination.ts";
import { idToJson } from "../mongo/restore-outcome.ts";
import type { ItemForecast } from "../plan/forecast.ts";
import { inputOf } from "../plan/inputs.ts";
import type { Item, Plan, Step } from "../plan/plan.ts";
import type { FilesContext } from "./context.ts";
import { vanishedDocuments } from "./vanished-documents.ts";
import { vanishedFiles } from "./vanished-files.ts";

type Prune = NonNullable<ItemForecast["prune"]>;

interface Place {
  plan: Plan;
  item: Item;
  step: Step;
}

const shownExamples = 20;

/** Finds what a run would remove; what vanishes until then comes to it. */
export async function forecastPrune(
  place: Place,
  inventory: string,
  ctx: FilesContext,
): Promise<Prune> {
  const prune: Prune = { documents: 0, files: 0, kept: 0, examples: [] };
  const { migrationType } = place.plan;
  if (migrationType !== "files") await forecastDocuments(place, ctx, prune);
  if (migrationType !== "db") await forecastFiles(place, inventory, { ctx, prune });
  return prune;
}

async function forecastDocuments(place: Place, ctx: FilesContext, prune: Prune) {
  const { signal, log, clock, retryBudget, run } = ctx;
  const input = inputOf("db-prune", place);
  await withReleasers(async (release) => {
    const source = await connectSource(input.source, { signal, log });
    release(() => source.close());
    const destination = await connectDestination(input.destination, { signal, log });
    release(() => destination.close());
    const found = vanishedDocuments({
      ...{ source, destination, run, ledger: ctx.ledger.documents },
      ...{ application: input.application, scope: input.scope },
      includeCollections: input.includeCollections,
      retry: { clock, signal, retryBudget },
    });
    for await (const { collection, id, kept } of found) {
      count(prune, "documents", { name: `${collection} ${JSON.stringify(idToJson(id))}`, kept });
    }
  });
}

async function forecastFiles(
  place: Place,
  file: string,
  { ctx, prune }: { ctx: FilesContext; prune: Prune },
) {
  const { sourceDir, workDir, scope } = inputOf("files-prune", place);
  const { destination, ledger, signal } = ctx;
  const inventory = openInventory(file);
  const source = openLocalTree(sourceDir);
  try {
    const sides = { sourceDir, workDir, scope, signal, source, destination, inventory };
    for await (const { path, kept } of vanishedFiles({ ...sides, ledger: ledger.files })) {
      count(prune, "files", { name: printablePath(path).path, kept });
    }
  } finally {
    source.close();
    inventory.close();
  }
}

function count(
  prune: Prune,
  part: "documents" | "files",
  { name, kept }: { name: string; kept: string | undefined },
) {
  prune[kept === undefined ? part : "kept"]++;
  if (prune.examples.length === shownExamples) return;
  prune.examples.push({ name, ...(kept === undefined ? {} : { kept }) });
}
