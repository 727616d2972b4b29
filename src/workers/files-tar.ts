import { closeSync, openSync, writeSync } from "node:fs";
import type { z } from "zod";
import { MigrationError } from "../core/errors.ts";
import { BrokenStream } from "../files/broken-stream.ts";
import type { Placement } from "../files/destination.ts";
import { parentOf } from "../files/entry.ts";
import type { InventoryEntry } from "../files/inventory-entry.ts";
import { copyByTar } from "../files/tar.ts";
import type { FilesTar } from "../plan/steps.ts";
import type { FilesContext } from "./context.ts";
import { confirmAll, confirmArrived } from "./files-confirm.ts";
import { intendAll } from "./files-intents.ts";
import { type FilesSent, listFile, type SendSession, withSession } from "./files-session.ts";
import { stopIfAborted } from "./files-stop.ts";
import { finishRoot, mapStaged, refreshByRsync, sendByRsync } from "./files-sync.ts";

/**
 * Sends single files by tar: into a private folder first, then each by rename to its final name,
 * below folders that were opened one by one and never through a symbolic link.
 */
export async function tarFiles(
  input: z.infer<typeof FilesTar>,
  ctx: FilesContext,
): Promise<FilesSent> {
  const total = { filesSent: 0, bytesSent: 0 };
  return await withSession(input, ctx, async (session) => {
    await sendByRsync(session, (entry) => entry.type === "d");
    await sendByTar(session, total);
    await finishRoot(session);
    return { verdicts: session.inventory.verdicts().counts, ...total };
  });
}

const isToSend = (entry: InventoryEntry) => !entry.done && entry.via === "tar";

/** What arrived before the connection broke is put in place too, so that only the rest is repeated. */
async function sendByTar(session: SendSession, total: { filesSent: number; bytesSent: number }) {
  reopenLinkGroups(session);
  const sent = await writeList(session);
  if (sent.filesListed === 0) return;
  const { isWhole, broken } = await stage(session, sent.bytesSent);
  // What was cut off still has the source's owners.
  if (broken !== undefined && session.input.ownership === "map") throw broken;
  const reasons = await placeAll(session, isWhole);
  if (broken !== undefined) {
    await confirmPlaced(session, reasons, total);
    throw broken;
  }
  if (!isWhole) await stopIfFull(session, reasons);
  const reasonFor = (path: Buffer) => reasons.get(path.toString("latin1"));
  await refreshByRsync(session, foldersOf(session));
  for (const page of session.inventory.pages({ send: "any" })) {
    await confirmAll(page.filter(isToSend), session, reasonFor);
  }
  total.filesSent += sent.filesSent;
  total.bytesSent += sent.bytesSent;
}

/** Confirms what was put in place, and leaves all else to be sent again. */
async function confirmPlaced(
  session: SendSession,
  reasons: ReadonlyMap<string, string>,
  total: { filesSent: number; bytesSent: number },
) {
  const isPlaced = (entry: InventoryEntry) =>
    isToSend(entry) && !reasons.has(entry.path.toString("latin1"));
  for (const page of session.inventory.pages({ send: "any" })) {
    const arrived = await confirmArrived(page.filter(isPlaced), session);
    if (arrived.length > 0) session.progressed();
    for (const { send, type, size } of arrived) {
      if (send !== "data") continue;
      total.filesSent++;
      total.bytesSent += type === "f" ? size : 0;
    }
  }
}

/** tar can only link names that it carries together, also when some of them had arrived before. */
function reopenLinkGroups({ inventory }: SendSession) {
  for (const group of inventory.linkGroups()) {
    const carried = group.filter(({ via, send }) => via === "tar" && send !== "no");
    if (carried.every(({ done }) => done)) continue;
    const arrived = carried.filter(({ done }) => done);
    inventory.update(arrived.map(({ path }) => ({ path, outcome: { done: false } })));
  }
}

async function writeList(session: SendSession) {
  const fd = openSync(listFile(session, "tar"), "w", 0o600);
  const sent = { filesListed: 0, filesSent: 0, bytesSent: 0 };
  try {
    for (const page of session.inventory.pages({ send: "any" })) {
      stopIfAborted(session.ctx.signal, "The copy of the files");
      for (const entry of await intendAll(page.filter(isToSend), session)) {
        writeSync(fd, Buffer.concat([Buffer.from("./"), entry.path, Buffer.alloc(1)]));
        sent.filesListed++;
        if (entry.send !== "data") continue;
        sent.filesSent++;
        sent.bytesSent += entry.type === "f" ? entry.size : 0;
      }
    }
    return sent;
  } finally {
    closeSync(fd);
  }
}

async function stage(
  session: SendSession,
  total: number,
): Promise<{ isWhole: boolean; broken?: BrokenStream }> {
  const { input, ctx, destination } = session;
  const { sourceDir, ownership, temporary } = input;
  let done = 0;
  try {
    const { create, extract, stderr } = await copyByTar({
      ...{ sourceDir, ownership, list: listFile(session, "tar"), signal: ctx.signal },
      unpack: (signal) => destination.unpack(temporary, { ownership, signal }),
      onBytes: (count) => {
        done += count;
        ctx.report({ phase: "copying", bytes: { done: Math.min(done, total), total } });
      },
    });
    if (ownership === "map") await mapStaged(session);
    if (create === 0 && extract === 0) return { isWhole: true };
    ctx.log.warn({ create, extract, stderr: stderr.slice(-2000) }, "tar left files out");
    return { isWhole: extract === 0 };
  } catch (error) {
    if (error instanceof BrokenStream) return { isWhole: false, broken: error };
    throw error;
  }
}

/** tar says in words alone why it could not write: what is left must fit, or the volume is full. */
async function stopIfFull(
  { inventory, destination }: SendSession,
  reasons: ReadonlyMap<string, string>,
) {
  const { freeBytes } = await destination.space();
  let bytes = 0;
  for (const path of reasons.keys()) {
    bytes += inventory.get(Buffer.from(path, "latin1"))?.allocated ?? 0;
  }
  if (bytes <= freeBytes) return;
  throw new MigrationError("E_NO_SPACE", "The destination's volume is full");
}

/** Moves what was staged to its final names; returns why the rest was not. */
async function placeAll(session: SendSession, isWhole: boolean): Promise<Map<string, string>> {
  const { inventory, destination, input } = session;
  const how = { ownership: input.ownership, isWhole };
  const reasons = new Map<string, string>();
  for (const page of inventory.pages({ send: "any" })) {
    stopIfAborted(session.ctx.signal, "The copy of the files");
    const files = (await intendAll(page.filter(isToSend), session)).flatMap(placementOf);
    if (files.length === 0) continue;
    const why = await destination.place(input.temporary, files, how);
    for (const [at, { path }] of files.entries()) {
      const reason = why[at];
      if (reason !== undefined) reasons.set(path.toString("latin1"), reason);
    }
  }
  return reasons;
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
