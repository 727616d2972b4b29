import { dirname, join } from "node:path";
import { MigrationError } from "../core/errors.ts";
import { printablePath } from "../files/entry.ts";
import type { Look } from "../files/folder-chain.ts";
import type { Inventory } from "../files/inventory.ts";
import type { InventoryEntry } from "../files/inventory-entry.ts";
import type { FileTree } from "../files/local-tree.ts";
import type { StepInputs } from "../plan/steps.ts";
import type { FilesContext } from "./context.ts";
import type { Difference } from "./files-differences.ts";
import { writeLines } from "./files-lists.ts";

export interface FilesVerified {
  /** Entries that were looked at on both sides. */
  checked: number;
  /** Files whose content was read on both sides, and their bytes. */
  hashed: number;
  hashedBytes: number;
  /** Changed at the source since the inventory: a second stage takes them. */
  changedSince: number;
}

/** A verification while it goes on: both sides, and what was found so far. */
export interface Verification {
  input: StepInputs["files-verify"];
  ctx: FilesContext;
  inventory: Inventory;
  source: FileTree;
  destination: FileTree;
  output: FilesVerified;
  mismatches: Difference[];
  changed: Buffer[];
  bytes: { done: number; total: number };
}

/** So many of those that changed are listed. */
const listed = 10_000;

export function tell({ ctx, output, bytes }: Verification) {
  const files = { done: output.checked };
  ctx.report({ phase: "verifying files", files, bytes: { ...bytes } });
}

export function isUnchanged(entry: InventoryEntry, look: Look | undefined): boolean {
  return look?.state === "here" && look.entry.ctimeNs === entry.ctimeNs;
}

export function noteChanged(all: Verification, entry: InventoryEntry) {
  all.output.changedSince++;
  if (all.changed.length < listed) all.changed.push(entry.path);
}

/** Lists what was found; throws E_INTEGRITY when anything is not as it was promised. */
export async function writeResults({ input, output, mismatches, changed }: Verification) {
  const folder = dirname(input.inventory);
  const file = join(folder, "files-mismatches.ndjson");
  await writeLines(
    file,
    mismatches.map(({ path, ...rest }) => ({ ...printablePath(path), ...rest })),
  );
  await writeLines(join(folder, "files-changed.ndjson"), changed.map(printablePath));
  const [first] = mismatches;
  if (first === undefined) return;
  const name = printablePath(first.path).path;
  throw new MigrationError(
    "E_INTEGRITY",
    `${mismatches.length} differences were found, the first in the ${first.what} of "${name}": expected ${first.expected}, found ${first.found}`,
    { hint: `See "${file}", then run the files again with --rerun`, fields: { ...output } },
  );
}
