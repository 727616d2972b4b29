import { createHash } from "node:crypto";
import type { Verdict } from "../core/verdict.ts";
import type { Inventory } from "../files/inventory.ts";
import type { EntryFilter, InventoryEntry } from "../files/inventory-entry.ts";
import type { StepInputs } from "../plan/steps.ts";

type Input = StepInputs["files-verify"];

/** What may have to be looked at. */
export function verdictsFor({ mode }: Input): Verdict[] {
  const written: Verdict[] = ["migrated", "updated", "conflict"];
  return mode === "full" || typeof mode === "object" ? [...written, "identical"] : written;
}

/** A conflict is looked at when it was overwritten. */
export function isChecked(entry: InventoryEntry): boolean {
  return entry.verdict !== "conflict" || entry.done;
}

/** Whether both sides are read; a sample of what was there already is chosen by its path and run. */
export function isHashed(entry: InventoryEntry, { mode }: Input, run: string): boolean {
  if (entry.type !== "f" || mode === "none" || !isChecked(entry)) return false;
  if (mode === "written" || mode === "full" || entry.verdict !== "identical") return true;
  const digest = createHash("sha256").update(run).update("\0").update(entry.path).digest();
  return digest.readUInt32BE(0) / 2 ** 32 < mode.sample;
}

/** How much the whole verification reads of either side. */
export function bytesToHash(inventory: Inventory, input: Input, run: string): number {
  const { mode } = input;
  if (mode === "none") return 0;
  const bytesOf = (filter: EntryFilter) => inventory.count({ type: "f", ...filter }).bytes;
  let total = bytesOf({ verdicts: ["migrated", "updated"] });
  total += bytesOf({ verdicts: ["conflict"], pending: false });
  if (mode === "full") return total + bytesOf({ verdicts: ["identical"] });
  if (mode === "written") return total;
  for (const page of inventory.pages({ verdicts: ["identical"], type: "f" })) {
    for (const entry of page) if (isHashed(entry, input, run)) total += entry.size;
  }
  return total;
}
