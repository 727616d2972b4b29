import { setImmediate } from "node:timers/promises";
import { MigrationError } from "../core/errors.ts";
import type { Report } from "../core/progress.ts";
import { openFolderChain } from "./folder-chain.ts";
import { createInventory, type Inventory } from "./inventory.ts";
import {
  type Added,
  checkPaths,
  entriesOf,
  notThere,
  type Selection,
  type Surroundings,
} from "./selected-entries.ts";
import { openSourceRoot } from "./source-root.ts";

export interface TakeInventory {
  root: string;
  selection: Selection;
  /** The SQLite file to make. */
  file: string;
  signal: AbortSignal;
  report: Report;
}

export interface InventoryTaken {
  /** Everything in the list: files, folders, links and the rest. */
  entries: number;
  /** Sum of the sizes of regular files. */
  bytes: number;
  /** Selected, but not there. */
  missing: { path: Buffer; reason: string }[];
}

const batchSize = 2000;

/** Makes an item's inventory anew. Overlapping selections count once. */
export async function takeInventory(input: TakeInventory): Promise<InventoryTaken> {
  checkPaths(input.selection);
  const inventory = createInventory(input.file);
  const root = openSourceRoot(input.root);
  const chain = openFolderChain(input.root);
  const around: Surroundings = { root: input.root, chain, missing: [], owned: [] };
  try {
    const add = makeAdder(inventory, input);
    for (const batch of batches(entriesOf(input.selection, around))) await add(batch);
    inventory.own(around.owned);
    for (const path of around.owned) {
      if (inventory.get(path) === undefined) around.missing.push({ path, reason: notThere });
    }
    root.check();
    inventory.addMissing(around.missing);
    inventory.complete();
    const { files, bytes } = inventory.count();
    return { entries: files, bytes, missing: inventory.missing() };
  } finally {
    chain.close();
    inventory.close();
  }
}

function makeAdder(inventory: Inventory, { signal, report }: TakeInventory) {
  let files = 0;
  let bytes = 0;
  return async function add(batch: Added[]) {
    if (signal.aborted) throw new MigrationError("E_INTERRUPTED", "The inventory was stopped");
    inventory.add(batch);
    files += batch.length;
    for (const entry of batch) bytes += entry.type === "f" ? entry.size : 0;
    report({ phase: "taking inventory", files: { done: files }, bytes: { done: bytes } });
    await setImmediate();
  };
}

function* batches(entries: Iterable<Added>): Generator<Added[]> {
  let batch: Added[] = [];
  for (const entry of entries) {
    batch.push(entry);
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
