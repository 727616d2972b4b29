import type { z } from "zod";
import { parentOf } from "../files/entry.ts";
import type { InventoryEntry } from "../files/inventory-entry.ts";
import type { FilesSend } from "../plan/steps.ts";
import type { FilesContext } from "./context.ts";
import { type BatchLimits, batchesOf, batchLimits } from "./files-batches.ts";
import { finishFolders, makeFolders } from "./files-folders.ts";
import { type FilesSent, type SendSession, withSession } from "./files-session.ts";
import { stopIfAborted } from "./files-stop.ts";
import { finishRoot, refreshByRsync, sendByRsync } from "./files-sync.ts";
import { sendBatch } from "./files-tar-batch.ts";

/**
 * Sends single files by tar, a batch at a time: into a private folder first, then each by rename to
 * its final name, below folders that were opened one by one and never through a symbolic link.
 */
export async function tarFiles(
  input: z.infer<typeof FilesSend>,
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

/** tar can only link names that it carries together, also when some of them had arrived before. */
function reopenLinkGroups({ inventory }: SendSession, choose: Choose) {
  for (const group of inventory.linkGroups()) {
    const carried = group.filter((entry) => choose(entry) && entry.send !== "no");
    if (carried.every(({ done }) => done)) continue;
    const arrived = carried.filter(({ done }) => done);
    inventory.update(arrived.map(({ path }) => ({ path, outcome: { done: false } })));
  }
}

function progressOf({ inventory, ctx }: SendSession, isToSend: Choose): (count: number) => void {
  let total = 0;
  for (const page of inventory.pages({ send: "data", type: "f", pending: true })) {
    for (const { size } of page.filter(isToSend)) total += size;
  }
  let done = 0;
  return (count) => {
    done += count;
    ctx.report({ phase: "copying", bytes: { done: Math.min(done, total), total } });
  };
}

/** The folders of ours that got a file. */
function* foldersOf({ inventory }: SendSession): Generator<Buffer> {
  for (const page of inventory.pages({ send: "any", via: "tar" })) {
    const folders = new Map<string, Buffer>();
    for (const { path } of page) folders.set(parentOf(path).toString("latin1"), parentOf(path));
    for (const path of folders.values()) if (inventory.get(path)?.ours) yield path;
  }
}
