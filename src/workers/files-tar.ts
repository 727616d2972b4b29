import type { z } from "zod";
import { codeOf, MigrationError } from "../core/errors.ts";
import { BrokenStream } from "../files/broken-stream.ts";
import type { Placement } from "../files/destination.ts";
import { parentOf } from "../files/entry.ts";
import type { InventoryEntry } from "../files/inventory-entry.ts";
import type { Attribute } from "../files/rsync-exit.ts";
import { shortage } from "../files/space.ts";
import { copyByTar } from "../files/tar.ts";
import type { FilesTar } from "../plan/steps.ts";
import type { FilesContext } from "./context.ts";
import { type LostAttributes, lostAttributes, refusedByTar } from "./files-attributes.ts";
import { type BatchLimits, batchesOf, batchLimits } from "./files-batches.ts";
import { confirmAll, confirmArrived } from "./files-confirm.ts";
import { finishFolders, makeFolders } from "./files-folders.ts";
import { intendAll } from "./files-intents.ts";
import { writePathList } from "./files-path-list.ts";
import { type FilesSent, listFile, type SendSession, withSession } from "./files-session.ts";
import { stopIfAborted } from "./files-stop.ts";
import { finishRoot, mapStaged, refreshByRsync, sendByRsync, stagedRun } from "./files-sync.ts";

/**
 * Sends single files by tar, a batch at a time: into a private folder first, then each by rename to
 * its final name, below folders that were opened one by one and never through a symbolic link.
 */
export async function tarFiles(
  input: z.infer<typeof FilesTar>,
  ctx: FilesContext,
  limits: BatchLimits = batchLimits,
): Promise<FilesSent> {
  return await withSession(input, ctx, async (session) => {
    const sent = await sendByTar(session, ({ via }) => via === "tar", limits);
    await finishRoot(session);
    return { verdicts: session.inventory.verdicts().counts, ...sent };
  });
}

type Choose = (entry: InventoryEntry) => boolean;

/** Sends the chosen files of those that are still to be sent, and all folders before them. */
export async function sendByTar(
  session: SendSession,
  choose: Choose,
  limits: BatchLimits = batchLimits,
): Promise<{ filesSent: number; bytesSent: number }> {
  const isToSend: Choose = (entry) => !entry.done && choose(entry);
  const total = { filesSent: 0, bytesSent: 0 };
  if (session.features === undefined) await makeFolders(session);
  else await sendByRsync(session, (entry) => entry.type === "d");
  reopenLinkGroups(session, choose);
  const onBytes = progressOf(session, isToSend);
  for (const entries of batchesOf(session.inventory, isToSend, limits)) {
    stopIfAborted(session.ctx.signal, "The copy of the files");
    await sendBatch({ session, entries, onBytes, total });
  }
  if (session.features === undefined) await finishFolders(session);
  else await refreshByRsync(session, foldersOf(session));
  return total;
}

interface Batch {
  session: SendSession;
  entries: InventoryEntry[];
  onBytes: (count: number) => void;
  /** Of all batches so far. */
  total: { filesSent: number; bytesSent: number };
}

/** What arrived before the connection broke is put in place too, so that only the rest is repeated. */
async function sendBatch(batch: Batch) {
  const { session } = batch;
  const listed = await writeList(batch);
  if (listed.length === 0) return;
  const { isWhole, isRead, broken, lost } = await stage(batch);
  // What was cut off still has the source's owners.
  if (broken !== undefined && session.input.ownership === "map") throw broken;
  const unread = isRead ? new Map<string, string>() : await unreadOf(session, listed);
  const isUnread = ({ path }: InventoryEntry) => unread.has(path.toString("latin1"));
  const entries = listed.filter((entry) => !isUnread(entry));
  const { cleared, reasons } = await placeAll({ ...batch, entries }, isWhole);
  const reasonFor = (path: Buffer) => reasons.get(path.toString("latin1"));
  if (broken !== undefined) {
    const placed = cleared.filter(({ path }) => reasonFor(path) === undefined);
    count(batch, await confirmArrived(placed, session));
    throw broken;
  }
  if (!isWhole) await stopIfFull(session, reasons);
  const lostFor = (path: Buffer) => lost.get(path.toString("latin1")) ?? [];
  await confirmAll(cleared, session, { reasonFor, lostFor });
  const unreadFor = (path: Buffer) => unread.get(path.toString("latin1"));
  await confirmAll(listed.filter(isUnread), session, { reasonFor: unreadFor });
  count(batch, cleared);
}

/**
 * By path, as Latin-1, why a file cannot be read: of a bad block tar makes zeros, in a file that
 * looks whole.
 */
async function unreadOf({ source, ctx }: SendSession, entries: readonly InventoryEntry[]) {
  const unread = new Map<string, string>();
  for (const { path, type } of entries) {
    if (type !== "f") continue;
    try {
      await source.hash(path, { signal: ctx.signal });
    } catch (error) {
      stopIfAborted(ctx.signal, "The copy of the files");
      if (codeOf(error) === "ENOENT") continue;
      unread.set(path.toString("latin1"), `it cannot be read (${codeOf(error)})`);
    }
  }
  return unread;
}

/** Only what has arrived is progress: what is refused is sent again by each attempt. */
function count({ session, total }: Batch, sent: readonly InventoryEntry[]) {
  if (sent.some(({ path }) => session.inventory.get(path)?.done)) session.progressed();
  for (const { send, type, size } of sent) {
    if (send !== "data") continue;
    total.filesSent++;
    total.bytesSent += type === "f" ? size : 0;
  }
}

/** tar can only link names that it carries together, also when some of them had arrived before. */
function reopenLinkGroups({ inventory }: SendSession, choose: Choose) {
  for (const group of inventory.linkGroups()) {
    const carried = group.filter((entry) => choose(entry) && entry.send !== "no");
    if (carried.every(({ done }) => done)) continue;
    const arrived = carried.filter(({ done }) => done);
    inventory.update(arrived.map(({ path }) => ({ path, outcome: { done: false } })));
  }
}

async function writeList({ session, entries }: Batch): Promise<InventoryEntry[]> {
  const cleared = await intendAll(entries, session);
  writePathList(
    listFile(session, "tar"),
    cleared.map(({ path }) => path),
  );
  return cleared;
}

function progressOf({ inventory, ctx }: SendSession, isToSend: Choose): (count: number) => void {
  let total = 0;
  for (const page of inventory.pages({ send: "data", type: "f" })) {
    for (const { size } of page.filter(isToSend)) total += size;
  }
  let done = 0;
  return (count) => {
    done += count;
    ctx.report({ phase: "copying", bytes: { done: Math.min(done, total), total } });
  };
}

interface Staged {
  isWhole: boolean;
  /** Every file could be read to its end. */
  isRead: boolean;
  lost: LostAttributes;
  broken?: BrokenStream;
}

/** Less is for files that changed or went while it read them. */
const tarFailed = 2;

async function stage({ session, onBytes }: Batch): Promise<Staged> {
  const { input, ctx, destination } = session;
  const { sourceDir, ownership, temporary } = input;
  try {
    const { create, extract, stderr } = await copyByTar({
      ...{ sourceDir, ownership, list: listFile(session, "tar"), signal: ctx.signal, onBytes },
      unpack: (signal) => destination.unpack(temporary, { ownership, signal }),
    });
    const refused = ownership === "map" ? await mapStaged(session) : refusedByTar(stderr);
    const lost = await lostStaged(session, refused);
    if (create === 0 && extract === 0) return { isWhole: true, isRead: true, lost };
    ctx.log.warn({ create, extract, stderr: stderr.slice(-2000) }, "tar left files out");
    return { isWhole: extract === 0, isRead: create < tarFailed, lost };
  } catch (error) {
    if (error instanceof BrokenStream) {
      return { isWhole: false, isRead: true, lost: new Map(), broken: error };
    }
    throw error;
  }
}

/** Without rsync nothing tells which of the files they are. */
async function lostStaged(
  session: SendSession,
  refused: ReadonlySet<Attribute>,
): Promise<LostAttributes> {
  if (refused.size === 0) return new Map();
  if (session.features !== undefined)
    return await lostAttributes(await stagedRun(session), refused);
  session.ctx.log.warn({ refused: [...refused] }, "Some files are without");
  return new Map();
}

/** tar says in words alone why it could not write: what is left must fit, or the volume is full. */
async function stopIfFull(
  { inventory, destination }: SendSession,
  reasons: ReadonlyMap<string, string>,
) {
  const needed = { bytes: 0, files: reasons.size };
  for (const path of reasons.keys()) {
    needed.bytes += inventory.get(Buffer.from(path, "latin1"))?.allocated ?? 0;
  }
  if (shortage(await destination.space(), needed) === undefined) return;
  throw new MigrationError("E_NO_SPACE", "The destination's volume is full");
}

/** Moves what was staged to its final names; returns what may be there, and why the rest is not. */
async function placeAll({ session, entries }: Batch, isWhole: boolean) {
  const { destination, input } = session;
  const cleared = await intendAll(entries, session);
  const files = cleared.flatMap(placementOf);
  const how = { ownership: input.ownership, isWhole };
  const why = files.length > 0 ? await destination.place(input.temporary, files, how) : [];
  const reasons = new Map<string, string>();
  for (const [at, { path }] of files.entries()) {
    const reason = why[at];
    if (reason !== undefined) reasons.set(path.toString("latin1"), reason);
  }
  return { cleared, reasons };
}

/** Folders are never carried by tar. */
function placementOf({ path, type, size, mtimeNs, mode }: InventoryEntry): Placement[] {
  return type === "d" ? [] : [{ path, type, size, mtimeNs, mode }];
}

/** The folders of ours that got a file. */
function* foldersOf({ inventory }: SendSession): Generator<Buffer> {
  for (const page of inventory.pages({ send: "any" })) {
    const folders = new Map<string, Buffer>();
    for (const { path, via } of page) {
      if (via === "tar") folders.set(parentOf(path).toString("latin1"), parentOf(path));
    }
    for (const path of folders.values()) if (inventory.get(path)?.ours) yield path;
  }
}
