import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { isUnavailable } from "../core/errors.ts";
import { printablePath } from "../files/entry.ts";
import { type InventoryTaken, takeInventory } from "../files/take-inventory.ts";
import { connectSource } from "../mongo/connect.ts";
import type { CollectionSelection, SourceDatabase } from "../mongo/database.ts";
import { writeSelection } from "../mongo/selection.ts";
import type { OutsideReference } from "../plan/outside.ts";
import type { StepInputs } from "../plan/steps.ts";
import type { WorkerContext } from "./context.ts";
import { patiently } from "./patiently.ts";
import { profiled } from "./profiled.ts";
import { type DocumentChoice, ownersOf, selectDocuments } from "./select-documents.ts";
import { selectFiles, type UnsafeDocument } from "./select-files.ts";

type Input = StepInputs["inventory"];

/** What an item has, for people and for the plan; lists are cut to a few examples. */
export interface ItemInventory {
  /** Documents of each collection; absent when the database was not asked. */
  documents?: Record<string, number>;
  files?: { entries: number; bytes: number };
  /** Accounts that the documents name: they must exist at the destination. */
  owners: string[];
  outside: OutsideReference[];
  leftOut: string[];
  /** Paths that documents name and the source does not have. */
  missing: { count: number; examples: string[] };
  unsafe: { count: number; examples: UnsafeDocument[] };
}

const examples = 10;

/** Asks the database what the scope has, and walks the files that follow from it. */
export async function takeItemInventory(input: Input, ctx: WorkerContext): Promise<ItemInventory> {
  await mkdir(dirname(input.inventory), { recursive: true });
  const source = await openSource(input, ctx);
  try {
    const choice = source && (await chooseDocuments(source, input, ctx));
    const documents = source && choice && (await countAll(source, choice.selections));
    const files = input.files ? await listFiles(input, choice, ctx) : undefined;
    return {
      ...(documents ? { documents } : {}),
      ...(files ? { files: { entries: files.taken.entries, bytes: files.taken.bytes } } : {}),
      owners: choice ? ownersOf(input.application, choice.rows) : [],
      outside: choice?.outside ?? [],
      leftOut: choice?.leftOut ?? [],
      missing: briefly(files?.taken.missing.map(({ path }) => printablePath(path).path) ?? []),
      unsafe: briefly(files?.unsafe ?? []),
    };
  } finally {
    await source?.close();
  }
}

/** A server's files alone can be listed without its database; then none is known as a document's. */
async function openSource(input: Input, ctx: WorkerContext): Promise<SourceDatabase | undefined> {
  if (input.source === undefined) return undefined;
  const { source, documents, scope } = input;
  const optional = !documents && scope.kind === "server";
  const { profile } = ctx;
  const open = async () =>
    profiled(await connectSource(source, ctx), { what: "sourceDatabase", profile });
  try {
    return optional ? await open() : await patiently(ctx, open);
  } catch (error) {
    if (!optional || !isUnavailable(error)) throw error;
    ctx.log.warn("The source's database cannot be reached: files go without its help");
    return undefined;
  }
}

async function chooseDocuments(source: SourceDatabase, input: Input, ctx: WorkerContext) {
  ctx.report({ phase: "asking the database" });
  const choice = await selectDocuments(source, {
    application: input.application,
    scope: input.scope,
    includeReferences: input.include.references,
    includeCollections: input.include.collections,
    signal: ctx.signal,
  });
  await writeSelection(input.selection, choice.selections);
  return choice;
}

async function countAll(source: SourceDatabase, selections: readonly CollectionSelection[]) {
  const counts: Record<string, number> = {};
  for (const selection of selections) counts[selection.collection] = await source.count(selection);
  return counts;
}

async function listFiles(
  input: Input,
  choice: DocumentChoice | undefined,
  ctx: WorkerContext,
): Promise<{ taken: InventoryTaken; unsafe: UnsafeDocument[] }> {
  const { selection, unsafe } = selectFiles({
    application: input.application,
    scope: input.scope,
    rows: choice?.rows ?? new Map(),
    includePaths: input.include.paths,
    sourceDir: input.sourceDir,
    workDir: input.workDir,
  });
  const taken = await takeInventory({
    root: input.sourceDir,
    selection,
    file: input.inventory,
    signal: ctx.signal,
    report: ctx.report,
  });
  return { taken, unsafe };
}

function briefly<T>(list: readonly T[]): { count: number; examples: T[] } {
  return { count: list.length, examples: list.slice(0, examples) };
}
