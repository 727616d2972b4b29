import { dirname, join, resolve } from "node:path";
import { MigrationError } from "../core/errors.ts";
import { isRoot, isWithin, rootPath } from "../files/entry.ts";
import type { InventoryEntry } from "../files/inventory-entry.ts";
import { type RsyncRun, runRsync, syncRootAttributes } from "../files/rsync.ts";
import type { Attribute, RsyncComplaint } from "../files/rsync-exit.ts";
import type { RsyncProgress } from "../files/rsync-progress.ts";
import { type LostAttributes, lostAttributes, refusedByRsync } from "./files-attributes.ts";
import { confirmAll } from "./files-confirm.ts";
import { placeRoot } from "./files-folders.ts";
import { intendAll } from "./files-intents.ts";
import { foldersOf } from "./files-joined.ts";
import { openPathList, type PathList } from "./files-path-list.ts";
import { type ListName, listFile, type SendSession } from "./files-session.ts";
import { stopIfAborted } from "./files-stop.ts";

/** Sends the chosen entries of those that are still to be sent. */
export async function sendByRsync(
  session: SendSession,
  choose: (entry: InventoryEntry) => boolean,
): Promise<{ filesSent: number; bytesSent: number }> {
  const lists = { plain: listIn(session, "plain"), forced: listIn(session, "forced") };
  const sent = { filesSent: 0, bytesSent: 0 };
  const isToSend = (entry: InventoryEntry) => !entry.done && choose(entry) && !isRoot(entry.path);
  for (const page of session.inventory.pages({ send: "any", pending: true })) {
    stopIfAborted(session.ctx.signal, "The copy of the files");
    const cleared = await intendAll(page.filter(isToSend), session);
    for (const folder of doneFolders(cleared, session)) lists.plain.add(folder);
    for (const entry of cleared) {
      (entry.force ? lists.forced : lists.plain).add(entry.path);
      if (entry.send !== "data") continue;
      sent.filesSent++;
      sent.bytesSent += entry.type === "f" ? entry.size : 0;
    }
  }
  const report = progressOf(session, sent);
  // The plain list has the folders, whose times must be set last.
  const isMuch = sent.bytesSent >= muchToSend;
  const forced = await runList(session, lists.forced, { isMuch, onProgress: report() });
  const plain = await runList(session, lists.plain, { isMuch, onProgress: report() });
  const reasons = new Map([...forced.reasons, ...plain.reasons]);
  const lost = new Map([...forced.lost, ...plain.lost]);
  const told = {
    reasonFor: (path: Buffer) => reasons.get(path.toString("latin1")),
    lostFor: (path: Buffer) => lost.get(path.toString("latin1")) ?? [],
  };
  for (const page of session.inventory.pages({ send: "any", pending: true })) {
    await confirmAll(page.filter(isToSend), session, told);
  }
  return sent;
}

/** Folders of ours that an earlier attempt finished, and whose times move now again. */
function* doneFolders(entries: InventoryEntry[], { inventory }: SendSession): Generator<Buffer> {
  for (const path of foldersOf(entries.map((entry) => entry.path))) {
    const folder = inventory.get(path);
    if (folder?.ours && folder.done && !isRoot(path)) yield path;
  }
}

/** Sets the attributes of folders again after something was moved into them. */
export async function refreshByRsync(session: SendSession, folders: Iterable<Buffer>) {
  const list = listIn(session, "folders");
  for (const path of folders) if (!isRoot(path)) list.add(path);
  await runList(session, list, {});
}

/**
 * Gives what tar unpacked its new owners, and all that names owners, before anybody sees it: tar's
 * own tables know no ranges. Returns what could not be set.
 */
export async function mapStaged(session: SendSession): Promise<Set<Attribute>> {
  return refusedByRsync(await runRsync(await stagedRun(session)));
}

/** Over what tar unpacked. */
export async function stagedRun(session: SendSession): Promise<RsyncRun> {
  const run = await rsyncRun(session, listFile(session, "tar"));
  const root = join(dirname(run.route.unfinished), "staging");
  return { ...run, route: { ...run.route, root } };
}

/** The root's attributes come last: making and removing our own folder moves its time. */
export async function finishRoot(session: SendSession) {
  const root = session.inventory.get(rootPath);
  if (!root?.ours) return;
  const send = root.send === "no" ? "refresh" : root.send;
  const [cleared] = await intendAll([{ ...root, send }], session);
  if (cleared === undefined) return;
  await session.destination.removeTemporary(session.input.temporary);
  const lost = await sendRoot(session, cleared);
  const told = { reasonFor: () => undefined, lostFor: () => [...lost] };
  await confirmAll([cleared], session, told);
}

async function sendRoot(session: SendSession, root: InventoryEntry): Promise<Set<Attribute>> {
  if (session.features !== undefined) {
    return refusedByRsync(await syncRootAttributes(await rsyncRun(session, "")));
  }
  await placeRoot(session, root);
  return new Set();
}

interface List extends PathList {
  name: ListName;
}

function listIn(session: SendSession, name: ListName): List {
  return { name, ...openPathList(listFile(session, name)) };
}

async function runList(
  session: SendSession,
  list: List,
  how: Pick<RsyncRun, "isMuch" | "onProgress">,
): Promise<{ reasons: Map<string, string>; lost: LostAttributes }> {
  list.close();
  if (list.count() === 0) return { reasons: new Map(), lost: new Map() };
  const run = await rsyncRun(session, listFile(session, list.name));
  const ignoreTimes = list.name === "forced";
  const complaints = await runRsync({ ...run, ignoreTimes, ...how });
  return {
    reasons: reasonsFrom(complaints, [run.sourceDir, run.route.root]),
    lost: await lostAttributes(run, refusedByRsync(complaints)),
  };
}

async function rsyncRun(session: SendSession, list: string): Promise<RsyncRun> {
  const { features } = session;
  if (features === undefined) {
    throw new MigrationError("E_UNEXPECTED", "rsync was asked for where there is none");
  }
  const { sourceDir, ownership, ownershipMap, temporary } = session.input;
  const route = await session.destination.rsync(temporary);
  return {
    ...{ sourceDir, route, ownership, ownershipMap, list },
    powers: session.powers,
    features,
    pacing: session.ctx,
    signal: session.ctx.signal,
  };
}

/** From here on a connection for these bytes alone costs less than it saves. */
const muchToSend = 16 * 1024 * 1024;

/** What an rsync whose end is cut leaves behind for the next one to go on from is not much less. */
const muchBytes = 1024 * 1024;

/** Each call goes on where the run before it ended. */
function progressOf(session: SendSession, total: { filesSent: number; bytesSent: number }) {
  let last = { files: 0, bytes: 0 };
  return function nextRun() {
    const start = last;
    let told = 0;
    return (progress: RsyncProgress) => {
      if (progress.bytes - told >= muchBytes) {
        told = progress.bytes;
        session.progressed();
      }
      last = {
        files: Math.min(start.files + progress.files, total.filesSent),
        bytes: Math.min(start.bytes + progress.bytes, total.bytesSent),
      };
      session.ctx.report({
        phase: "copying",
        files: { done: last.files, total: total.filesSent },
        bytes: { done: last.bytes, total: total.bytesSent },
      });
    };
  };
}

/** rsync names files by absolute paths of either side, or relative to the root. */
function reasonsFrom(complaints: readonly RsyncComplaint[], folders: readonly string[]) {
  const roots = folders.map((root) => Buffer.from(resolve(root)));
  const reasons = new Map<string, string>();
  for (const { path, reason, errno, attribute } of complaints) {
    if (attribute !== undefined) continue;
    const root = roots.find((folder) => isWithin(path, folder));
    const relative = root === undefined ? path : path.subarray(root.length + 1);
    reasons.set(relative.toString("latin1"), `rsync: ${reason} (${errno})`);
  }
  return reasons;
}
