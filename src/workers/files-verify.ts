import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import type { z } from "zod";
import { codeOf, MigrationError } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import type { Verdict } from "../core/verdict.ts";
import { type FileEntry, printablePath } from "../files/entry.ts";
import type { Look } from "../files/folder-chain.ts";
import { type Inventory, openInventory } from "../files/inventory.ts";
import type { InventoryEntry } from "../files/inventory-entry.ts";
import { type FileTree, openLocalTree } from "../files/local-tree.ts";
import { openSourceRoot } from "../files/source-root.ts";
import type { FilesVerify } from "../plan/steps.ts";
import type { FilesContext } from "./context.ts";
import { type Difference, differences, linkDifferences } from "./files-differences.ts";
import { writeLines } from "./files-lists.ts";
import { steadyDestination } from "./files-retry.ts";
import { stopIfAborted, throwIfGrave } from "./files-stop.ts";
import { twoAtOnce } from "./files-two.ts";
import { attributeDifferences } from "./files-verify-attributes.ts";

export interface FilesVerified {
  /** Entries that were looked at on both sides. */
  checked: number;
  /** Files whose content was read on both sides, and their bytes. */
  hashed: number;
  hashedBytes: number;
  /** Changed at the source since the inventory: a second stage takes them. */
  changedSince: number;
}

type Input = z.infer<typeof FilesVerify>;

interface Verification {
  input: Input;
  ctx: FilesContext;
  inventory: Inventory;
  source: FileTree;
  destination: FileTree;
  output: FilesVerified;
  mismatches: Difference[];
  changed: Buffer[];
  bytes: { done: number; total: number };
}

const listed = 10_000;

/** Reads the destination back; throws E_INTEGRITY when anything is not as it was promised. */
export async function verifyFiles(input: Input, ctx: FilesContext): Promise<FilesVerified> {
  const root = openSourceRoot(input.sourceDir);
  const inventory = openInventory(input.inventory);
  const source = openLocalTree(input.sourceDir);
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
    for (const page of inventory.pages({ verdicts: verdictsFor(input) })) {
      await verifyPage(all, page.filter(isChecked));
    }
    await verifyLinks(all);
    await verifyAttributes(all);
    root.check();
    inventory.setNote("verifying", "no");
    await writeResults(all);
    return output;
  } finally {
    source.close();
    inventory.close();
  }
}

function verdictsFor({ mode }: Input): Verdict[] {
  const written: Verdict[] = ["migrated", "updated", "conflict"];
  return mode === "full" || typeof mode === "object" ? [...written, "identical"] : written;
}

/** A conflict is looked at when it was overwritten. */
function isChecked(entry: InventoryEntry): boolean {
  return entry.verdict !== "conflict" || entry.done;
}

function forgetVerified(inventory: Inventory) {
  for (const page of inventory.pages()) {
    const seen = page.filter(({ verified }) => verified);
    inventory.update(seen.map(({ path }) => ({ path, outcome: { verified: false } })));
  }
}

/** Whether both sides are read; a sample of what was there already is chosen by its path and run. */
function isHashed(entry: InventoryEntry, { mode }: Input, run: string): boolean {
  if (entry.type !== "f" || mode === "none" || !isChecked(entry)) return false;
  if (mode === "written" || mode === "full" || entry.verdict !== "identical") return true;
  const digest = createHash("sha256").update(run).update("\0").update(entry.path).digest();
  return digest.readUInt32BE(0) / 2 ** 32 < mode.sample;
}

function bytesToHash(inventory: Inventory, input: Input, run: string): number {
  let total = 0;
  for (const page of inventory.pages({ verdicts: verdictsFor(input), type: "f" })) {
    for (const entry of page) if (isHashed(entry, input, run)) total += entry.size;
  }
  return total;
}

interface Verified {
  path: Buffer;
  there: FileEntry;
  hash: Buffer;
}

async function verifyPage(all: Verification, page: InventoryEntry[]) {
  const { ctx, inventory, source, destination, input } = all;
  stopIfAborted(ctx.signal, "The verification");
  const rest = page.filter((entry) => !entry.verified);
  const paths = rest.map(({ path }) => path);
  const [sources, looks] = await Promise.all([source.look(paths), destination.look(paths)]);
  const toHash: { entry: InventoryEntry; there: FileEntry }[] = [];
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
  const verified: Verified[] = [];
  await twoAtOnce(toHash, async ({ entry, there }) => {
    const hash = await verifyContent(all, entry, there);
    if (hash !== undefined) verified.push({ path: entry.path, there, hash });
  });
  ctx.ledger.files.put(hashRecords(all, verified));
  inventory.update(verified.map(({ path }) => ({ path, outcome: { verified: true } })));
  failpoint("files.afterVerify");
  tell(all);
}

function tell({ ctx, output, bytes }: Verification) {
  const files = { done: output.checked };
  ctx.report({ phase: "verifying files", files, bytes: { ...bytes } });
}

function isUnchanged(entry: InventoryEntry, look: Look | undefined): boolean {
  return look?.state === "here" && look.entry.ctimeNs === entry.ctimeNs;
}

function noteChanged(all: Verification, entry: InventoryEntry) {
  all.output.changedSince++;
  if (all.changed.length < listed) all.changed.push(entry.path);
}

/** The hash of both sides where they are equal; anything else is noted. */
async function verifyContent(all: Verification, entry: InventoryEntry, there: FileEntry) {
  const { path } = entry;
  const [here, away] = await Promise.all([
    readHash(all, all.source, path),
    readHash(all, all.destination, path),
  ]);
  const [again] = await all.source.look([path]);
  if (!isUnchanged(entry, again)) {
    noteChanged(all, entry);
    return undefined;
  }
  if (!Buffer.isBuffer(here) || !Buffer.isBuffer(away)) {
    const found = `it cannot be read (${Buffer.isBuffer(here) ? away : here})`;
    all.mismatches.push({ path, what: "content", expected: "readable", found });
    return undefined;
  }
  all.output.hashed++;
  all.output.hashedBytes += entry.size;
  if (here.equals(away)) return away;
  askForRepair(all, entry, there);
  const [expected, found] = [here.toString("hex"), away.toString("hex")];
  all.mismatches.push({ path, what: "content", expected, found });
  return undefined;
}

/**
 * What has other bytes under the time of its last change that we recorded was written by nobody: the
 * volume lost them. The next run compares it as if the source had changed, and brings it anew.
 */
function askForRepair({ ctx }: Verification, { path }: InventoryEntry, there: FileEntry) {
  const record = ctx.ledger.files.get(path);
  if (!record?.ours || record.state !== "written") return;
  if (record.destinationCtimeNs !== there.ctimeNs) return;
  ctx.ledger.files.put([{ path, record: { ...record, sourceCtimeNs: 0n } }]);
}

/** Hashes of what is still there as it was recorded. */
function* hashRecords({ ctx }: Verification, verified: Verified[]) {
  for (const { path, there, hash } of verified) {
    const record = ctx.ledger.files.get(path);
    if (record?.destinationCtimeNs !== there.ctimeNs) continue;
    yield { path, record: { ...record, hash } };
  }
}

async function readHash(all: Verification, tree: FileTree, path: Buffer) {
  const { signal } = all.ctx;
  const isDestination = tree === all.destination;
  const onBytes = (count: number) => {
    if (!isDestination) return;
    all.bytes.done = Math.min(all.bytes.total, all.bytes.done + count);
    tell(all);
  };
  try {
    return await tree.hash(path, { signal, onBytes });
  } catch (error) {
    stopIfAborted(signal, "The verification");
    throwIfGrave(error);
    return codeOf(error) ?? "unknown error";
  }
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
async function verifyAttributes(all: Verification) {
  const { inventory, source, mismatches } = all;
  for (const difference of await attributeDifferences({ ...all, choose: isChecked })) {
    const entry = inventory.get(difference.path);
    const [look] = await source.look([difference.path]);
    if (entry !== undefined && isUnchanged(entry, look)) mismatches.push(difference);
  }
}

async function writeResults({ input, output, mismatches, changed }: Verification) {
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
