import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { fileLines } from "../core/lines.ts";
import { withReleasers } from "../core/releasers.ts";
import { freeSpace, type Space } from "../files/space.ts";
import type { RawBatch } from "../mongo/bson-walk.ts";
import { connectSource } from "../mongo/connect.ts";
import { connectDestination } from "../mongo/connect-destination.ts";
import type { SourceDatabase } from "../mongo/database.ts";
import { predictRestore } from "../mongo/restore-predict.ts";
import { readSelection } from "../mongo/selection.ts";
import type { Forecast, ItemForecast } from "../plan/forecast.ts";
import { inputOf } from "../plan/inputs.ts";
import type { Item, Plan } from "../plan/plan.ts";
import { scopeText } from "../plan/scope.ts";
import type { StepInputs } from "../plan/steps.ts";
import type { FilesContext, WorkerContext } from "./context.ts";
import { compareFiles } from "./files-compare.ts";
import { forecastOwnership } from "./forecast-ownership.ts";
import { forecastPrune } from "./forecast-prune.ts";
import { takeItemInventory } from "./inventory.ts";

/**
 * Does everything of a run that only looks: inventory and comparison of files and documents. Its
 * own lists go to `scratch`, which must be a folder outside of both sides.
 */
export async function forecastPlan(
  plan: Plan,
  scratch: string,
  ctx: FilesContext,
): Promise<Forecast> {
  const items: ItemForecast[] = [];
  for (const item of plan.items) items.push(await forecastItem(plan, item, { scratch, ctx }));
  const documentBytes = items.flatMap(({ documents }) => documents).map(({ bytes }) => bytes);
  const fileBytes = items.map(({ files }) => files?.bytesToSend ?? 0);
  return {
    items,
    space: {
      destination: shown(await ctx.destination.space(), fileBytes),
      workDir: shown(await freeSpace(plan.source.dir), documentBytes),
    },
  };
}

function shown({ freeBytes }: Space, bytes: number[]) {
  return { neededBytes: bytes.reduce((sum, part) => sum + part, 0), freeBytes };
}

interface Looking {
  scratch: string;
  ctx: FilesContext;
}

async function forecastItem(plan: Plan, item: Item, { scratch, ctx }: Looking) {
  const step = { id: "inventory", kind: "inventory" as const, after: [], pass: 1 };
  const base = `${scratch}/${item.id}`;
  const inventory = `${base}/files.sqlite`;
  const input = {
    ...inputOf("inventory", { plan, item, step }),
    ...{ inventory, selection: `${base}/selection.bson` },
  };
  const taken = await takeItemInventory(input, ctx);
  const { ownership: mode, ownershipMap } = plan.options;
  const owners = { ownership: mode, ...(ownershipMap === undefined ? {} : { ownershipMap }) };
  const compared = input.files
    ? await compareFiles(
        {
          sourceDir: plan.source.dir,
          ...{ inventory, onConflict: "keep-destination" },
          ...owners,
        },
        ctx,
      )
    : undefined;
  const ownership = compared && forecastOwnership(inventory, owners);
  const documents = input.documents
    ? await forecastDocuments(
        { ...inputOf("db-compare", { plan, item, step }), selection: input.selection },
        ctx,
      )
    : [];
  const examples = await firstLines(`${base}/files-conflicts.ndjson`);
  const prune = plan.options.prune && (await forecastPrune({ plan, item, step }, inventory, ctx));
  await rm(base, { recursive: true, force: true });
  const { outside, leftOut, missing, unsafe, files } = taken;
  return {
    ...{ id: item.id, scope: scopeText(item.scope) },
    ...{ owners: taken.owners, outside, leftOut, missing, unsafe, documents },
    ...(prune === undefined ? {} : { prune }),
    ...(compared && files
      ? {
          files: {
            ...files,
            verdicts: compared.verdicts,
            bytesToSend: compared.bytesToSend,
            examples,
            ownership,
          },
        }
      : {}),
  };
}

const shownExamples = 10;

/** The first findings of a list; what was selected and is not there is told elsewhere. */
async function firstLines(path: string): Promise<unknown[]> {
  const found: unknown[] = [];
  if (!existsSync(path)) return found;
  for await (const line of fileLines(path)) {
    const finding: unknown = JSON.parse(line);
    if (typeof finding === "object" && finding !== null && "selected" in finding) continue;
    found.push(finding);
    if (found.length === shownExamples) break;
  }
  return found;
}

/** Compares the documents of a selection, as they are now, with the destination. */
export async function forecastDocuments(
  input: StepInputs["db-compare"],
  { signal, log, ledger, run, report }: WorkerContext,
): Promise<ItemForecast["documents"]> {
  return withReleasers(async (release) => {
    const source = await connectSource(input.source, { signal, log });
    release(() => source.close());
    const destination = await connectDestination(input.destination, { signal, log });
    release(() => destination.close());
    const result: ItemForecast["documents"] = [];
    const types = new Map((await source.collections()).map(({ name, type }) => [name, type]));
    for (const selection of await readSelection(input.selection)) {
      const { collection } = selection;
      if (types.get(collection) === "view") continue;
      report({ phase: `comparing ${collection}` });
      const size = { bytes: 0 };
      const { documents, verdicts, examples, unchecked } = await predictRestore({
        collection,
        batches: measured(source.read(selection, { signal }), size),
        destination,
        ledger: ledger.documents,
        rules: { policy: input.onConflict, newestBy: input.newestBy[collection], run },
        rewrite: input.rewrite[collection] ?? [],
        signal,
      });
      result.push({ collection, documents, bytes: size.bytes, verdicts, examples, unchecked });
    }
    return result;
  });
}

async function* measured(batches: ReturnType<SourceDatabase["read"]>, size: { bytes: number }) {
  for await (const batch of batches) {
    size.bytes += batch.data.length;
    yield batch satisfies RawBatch;
  }
}
