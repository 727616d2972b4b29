import { chmodSync, closeSync, lstatSync, openSync, renameSync, writeSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import type { z } from "zod";
import { codeOf, MigrationError } from "../core/errors.ts";
import { parentOf } from "../files/entry.ts";
import { entryAt, type FolderChain, openFolderChain } from "../files/folder-chain.ts";
import type { InventoryEntry } from "../files/inventory-entry.ts";
import { inheritedMode } from "../files/ownership.ts";
import { freeSpace } from "../files/space.ts";
import { copyByTar } from "../files/tar.ts";
import type { FilesTar } from "../plan/steps.ts";
import type { WorkerContext } from "./context.ts";
import { confirmAll } from "./files-confirm.ts";
import { sameState } from "./files-decide.ts";
import { intendAll } from "./files-intents.ts";
import { type FilesSent, type SendSession, withSession } from "./files-session.ts";
import { stopIfAborted } from "./files-stop.ts";
import { finishRoot, refreshByRsync, sendByRsync } from "./files-sync.ts";

/**
 * Sends single files by tar: into a private folder first, then each by rename to its final name,
 * below folders that were opened one by one and never through a symbolic link.
 */
export async function tarFiles(
  input: z.infer<typeof FilesTar>,
  ctx: WorkerContext,
): Promise<FilesSent> {
  return await withSession(input, ctx, async (session) => {
    await sendByRsync(session, (entry) => entry.type === "d");
    const sent = await sendByTar(session);
    await finishRoot(session);
    return { verdicts: session.inventory.verdicts().counts, ...sent };
  });
}

const isToSend = (entry: InventoryEntry) => !entry.done && entry.via === "tar";

async function sendByTar(session: SendSession) {
  reopenLinkGroups(session);
  const list = session.temporary("tar.list");
  const sent = await writeList(session, list);
  if (sent.filesListed === 0) return { filesSent: 0, bytesSent: 0 };
  const staging = session.temporary("staging");
  const isWhole = await stage(session, { list, into: staging, total: sent.bytesSent });
  const reasons = await moveAll(session, { staging, isWhole });
  if (!isWhole) await stopIfFull(session, reasons);
  const reasonFor = (path: Buffer) => reasons.get(path.toString("latin1"));
  await refreshByRsync(session, foldersOf(session));
  for (const page of session.inventory.pages({ send: "any" })) {
    await confirmAll(page.filter(isToSend), session, reasonFor);
  }
  return { filesSent: sent.filesSent, bytesSent: sent.bytesSent };
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

async function writeList(session: SendSession, list: string) {
  const fd = openSync(list, "w", 0o600);
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
  { input, ctx }: SendSession,
  { list, into, total }: { list: string; into: string; total: number },
) {
  let done = 0;
  const result = await copyByTar({
    sourceDir: input.sourceDir,
    into,
    list,
    ownership: input.ownership,
    signal: ctx.signal,
    onBytes: (count) => {
      done += count;
      ctx.report({ phase: "copying", bytes: { done: Math.min(done, total), total } });
    },
  });
  if (result.create === 0 && result.extract === 0) return true;
  const { create, extract, stderr } = result;
  ctx.log.warn({ create, extract, stderr: stderr.slice(-2000) }, "tar left files out");
  return result.extract === 0;
}

/** tar says in words alone why it could not write: what is left must fit, or the volume is full. */
async function stopIfFull({ inventory, input }: SendSession, reasons: Map<string, string>) {
  const { freeBytes } = await freeSpace(input.destinationDir);
  let bytes = 0;
  for (const path of reasons.keys()) {
    bytes += inventory.get(Buffer.from(path, "latin1"))?.allocated ?? 0;
  }
  if (bytes <= freeBytes) return;
  throw new MigrationError("E_NO_SPACE", "The destination's volume is full");
}

/** Moves what was staged to its final names; returns why the rest was not. */
async function moveAll(
  session: SendSession,
  { staging, isWhole }: { staging: string; isWhole: boolean },
): Promise<Map<string, string>> {
  const reasons = new Map<string, string>();
  const from = openFolderChain(staging);
  const to = openFolderChain(session.input.destinationDir);
  try {
    for (const page of session.inventory.pages({ send: "any" })) {
      for (const entry of await intendAll(page.filter(isToSend), session)) {
        const reason = moveOne(entry, { from, to, isWhole, session });
        if (reason !== undefined) reasons.set(entry.path.toString("latin1"), reason);
      }
      await setImmediate();
    }
    return reasons;
  } finally {
    from.close();
    to.close();
  }
}

interface Move {
  from: FolderChain;
  to: FolderChain;
  /** tar unpacked everything that it was given. */
  isWhole: boolean;
  session: SendSession;
}

function moveOne(entry: InventoryEntry, { from, to, isWhole, session }: Move): string | undefined {
  const staged = from.place(entry.path);
  const final = to.place(entry.path);
  if (staged.state !== "here") return "tar could not read it";
  if (final.state === "absent") return "the folder for it is not there";
  if (final.state === "blocked") return final.reason;
  try {
    if (!isWhole && !isUnpacked(entry, staged.location)) return "tar could not copy it whole";
    if (session.input.ownership === "inherit") openToGroup(entry, staged.location);
    renameSync(staged.location, final.location);
    return undefined;
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOSPC" || code === "EDQUOT") throw error;
    return code === "ENOENT" ? "tar could not read it" : `it cannot be put in place (${code})`;
  }
}

/** tar sets the time last: what it could not finish bears another one. */
function isUnpacked(entry: InventoryEntry, location: Buffer): boolean {
  if (entry.type !== "f") return true;
  const staged = entryAt(location, entry.path);
  return staged !== undefined && sameState(entry, staged);
}

function openToGroup(entry: InventoryEntry, location: Buffer) {
  if (lstatSync(location).isFile()) chmodSync(location, inheritedMode(entry.mode, "f"));
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
