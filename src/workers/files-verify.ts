import { failpoint } from "../core/failpoints.ts";
import { type Inventory, openInventory } from "../files/inventory.ts";
import type { InventoryEntry } from "../files/inventory-entry.ts";
import { openLocalTree } from "../files/local-tree.ts";
import { openSourceRoot } from "../files/source-root.ts";
import type { StepInputs } from "../plan/steps.ts";
import type { FilesContext } from "./context.ts";
import { type Difference, differences, linkDifferences } from "./files-differences.ts";
import { steadyDestination } from "./files-retry.ts";
import { stopIfAborted } from "./files-stop.ts";
import {
  type FilesVerified,
  isUnchanged,
  noteChanged,
  tell,
  type Verification,
  writeResults,
} from "./files-verification.ts";
import { attributeDifferences } from "./files-verify-attributes.ts";
import { bytesToHash, isChecked, isHashed, verdictsFor } from "./files-verify-choice.ts";
import { type ToHash, verifyContents } from "./files-verify-content.ts";
import { profiled } from "./profiled.ts";

type Input = StepInputs["files-verify"];

/** Reads the destination back; throws E_INTEGRITY when anything is not as it was promised. */
export async function verifyFiles(input: Input, ctx: FilesContext): Promise<FilesVerified> {
  const root = openSourceRoot(input.sourceDir);
  const inventory = openInventory(input.inventory);
  const { profile } = ctx;
  const source = profiled(openLocalTree(input.sourceDir), { what: "sourceFiles", profile });
  const destination = steadyDestination(ctx);
  const output = { checked: 0, hashed: 0, hashedBytes: 0, changedSince: 0 };
  const mode = JSON.stringify(input.mode);
  try {
    root.requireContent(inventory);
    if (inventory.note("verifying") !== mode) forgetVerified(inventory);
    inventory.setNote("verifying", mode);
    const bytes = { done: 0, total: bytesToHash(inventory, input, ctx.run) };
    const sides = { input, ctx, inventory, source, destination };
    const all: Verification = { ...sides, output, mismatches: [], changed: [], bytes };
    await verifyEntries(all);
    await verifyLinks(all);
    root.check();
    inventory.setNote("verifying", "no");
    await writeResults(all);
    return output;
  } finally {
    source.close();
    inventory.close();
  }
}

/** Every entry; what only rsync can read it reads meanwhile. Both have ended when this throws. */
async function verifyEntries(all: Verification) {
  const attributes = attributeDifferences({ ...all, choose: isChecked });
  const ends = await Promise.allSettled([verifyPages(all), attributes]);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  await noteAttributes(all, await attributes);
}

async function verifyPages(all: Verification) {
  for (const page of all.inventory.pages({ verdicts: verdictsFor(all.input) })) {
    await verifyPage(all, page.filter(isChecked));
  }
}

function forgetVerified(inventory: Inventory) {
  const outcome = { verified: false };
  for (const page of inventory.paths({ verified: true })) {
    inventory.update(page.map((path) => ({ path, outcome })));
  }
}

async function verifyPage(all: Verification, page: InventoryEntry[]) {
  const { ctx, source, destination, input } = all;
  stopIfAborted(ctx.signal, "The verification");
  const rest = page.filter((entry) => !entry.verified);
  const paths = rest.map(({ path }) => path);
  const [sources, looks] = await Promise.all([source.look(paths), destination.look(paths)]);
  const toHash: ToHash[] = [];
  for (const [at, entry] of rest.entries()) {
    all.output.checked++;
    if (!isUnchanged(entry, sources[at])) noteChanged(all, entry);
    else {
      const there = looks[at] ?? { state: "absent" };
      const found = differences(entry, there, input);
      all.mismatches.push(...found);
      if (found.length > 0 || there.state !== "here") continue;
      if (isHashed(entry, input, ctx.run)) toHash.push({ entry, there: there.entry });
    }
  }
  await verifyContents(all, toHash);
  failpoint("files.afterVerify");
  tell(all);
}

/** Names of one file at the source must be names of one file at the destination. */
async function verifyLinks(all: Verification) {
  const { inventory, destination } = all;
  for (const group of inventory.linkGroups()) {
    for (const via of ["rsync", "tar"] as const) {
      const names = group.filter((entry) => entry.ours && entry.via === via && isChecked(entry));
      if (names.length < 2) continue;
      const looks = await destination.look(names.map(({ path }) => path));
      all.mismatches.push(...linkDifferences(names, looks));
    }
  }
}

/** What changed at the source meanwhile was told before. */
async function noteAttributes(
  { inventory, source, mismatches }: Verification,
  found: readonly Difference[],
) {
  for (const difference of found) {
    const entry = inventory.get(difference.path);
    const [look] = await source.look([difference.path]);
    if (entry !== undefined && isUnchanged(entry, look)) mismatches.push(difference);
  }
}
