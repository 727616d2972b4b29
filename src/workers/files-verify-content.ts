import type { FileEntry } from "../files/entry.ts";
import type { Look } from "../files/folder-chain.ts";
import { type Hashed, smallSize, whyUnread } from "../files/hash.ts";
import type { InventoryEntry } from "../files/inventory-entry.ts";
import type { FileTree } from "../files/local-tree.ts";
import { stopIfAborted } from "./files-stop.ts";
import { twoAtOnce } from "./files-two.ts";
import { isUnchanged, noteChanged, tell, type Verification } from "./files-verification.ts";

export interface ToHash {
  entry: InventoryEntry;
  /** As it is at the destination. */
  there: FileEntry;
}

interface Verified {
  path: Buffer;
  there: FileEntry;
  hash: Buffer;
}

/** One object for all: they are written together. */
const equal = { verified: true };

/** Reads files on both sides, and records what is equal. */
export async function verifyContents(all: Verification, files: readonly ToHash[]) {
  const { ctx, inventory, source, destination } = all;
  const isTogether = ({ entry }: ToHash) =>
    entry.size < smallSize && source.hashAll !== undefined && destination.hashAll !== undefined;
  const verified = await verifyTogether(all, files.filter(isTogether));
  await twoAtOnce(
    files.filter((file) => !isTogether(file)),
    async (file) => {
      const hash = await verifyContent(all, file);
      if (hash !== undefined) verified.push({ path: file.entry.path, there: file.there, hash });
    },
  );
  if (verified.length === 0) return;
  ctx.ledger.files.keepHashes(
    verified.map(({ path, there, hash }) => ({ path, hash, destinationCtimeNs: there.ctimeNs })),
  );
  inventory.update(verified.map(({ path }) => ({ path, outcome: equal })));
}

/** Small files by one question to each side. */
async function verifyTogether(all: Verification, files: readonly ToHash[]): Promise<Verified[]> {
  if (files.length === 0) return [];
  const { source } = all;
  const paths = files.map(({ entry }) => entry.path);
  const [here, away] = await Promise.all([
    readHashes(all, source, paths),
    readHashes(all, all.destination, paths),
  ]);
  const again = await source.look(paths);
  const verified: Verified[] = [];
  for (const [at, file] of files.entries()) {
    const { entry, there } = file;
    all.bytes.done = Math.min(all.bytes.total, all.bytes.done + entry.size);
    const hash = judge(all, file, { here: here[at], away: away[at], again: again[at] });
    if (hash !== undefined) verified.push({ path: entry.path, there, hash });
  }
  return verified;
}

async function verifyContent(all: Verification, file: ToHash): Promise<Buffer | undefined> {
  const { path } = file.entry;
  const [here, away] = await Promise.all([
    readHash(all, all.source, path),
    readHash(all, all.destination, path),
  ]);
  const [again] = await all.source.look([path]);
  return judge(all, file, { here, away, again });
}

interface Found {
  here: Hashed | undefined;
  away: Hashed | undefined;
  /** The source after it was read. */
  again: Look | undefined;
}

/** The hash of both sides where they are equal; anything else is noted. */
function judge(all: Verification, { entry, there }: ToHash, { here, away, again }: Found) {
  const { path } = entry;
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

async function readHashes({ ctx }: Verification, tree: FileTree, paths: readonly Buffer[]) {
  try {
    return (await tree.hashAll?.(paths, ctx.signal)) ?? [];
  } catch (error) {
    stopIfAborted(ctx.signal, "The verification");
    throw error;
  }
}

async function readHash(all: Verification, tree: FileTree, path: Buffer): Promise<Hashed> {
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
    return whyUnread(error);
  }
}
