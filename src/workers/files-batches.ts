import type { Inventory } from "../files/inventory.ts";
import type { InventoryEntry } from "../files/inventory-entry.ts";

/** A batch ends with the entry that reaches one of these. */
export interface BatchLimits {
  names: number;
  /** As they are on disk: a sparse file is small. */
  bytes: number;
}

/** What a broken connection costs at most, and still much beside the start of two programs. */
export const batchLimits: BatchLimits = { names: 4000, bytes: 128 * 1024 * 1024 };

/** What is to be sent and was chosen. Names of one file are never parted: tar links within a batch. */
export function* batchesOf(
  inventory: Inventory,
  choose: (entry: InventoryEntry) => boolean,
  limits: BatchLimits,
): Generator<InventoryEntry[]> {
  let batch: InventoryEntry[] = [];
  let bytes = 0;
  for (const names of namesTogether(inventory)) {
    const chosen = names.filter((entry) => entry.send !== "no" && choose(entry));
    for (const entry of chosen) batch.push(entry);
    bytes += chosen[0]?.allocated ?? 0;
    if (batch.length < limits.names && bytes < limits.bytes) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

function* namesTogether(inventory: Inventory): Generator<InventoryEntry[]> {
  for (const page of inventory.pages({ send: "any", pending: true })) {
    for (const entry of page) if (entry.type === "d" || entry.nlink <= 1) yield [entry];
  }
  yield* inventory.linkGroups();
}
