import { codeOf } from "../core/errors.ts";
import { BrokenStream } from "../files/broken-stream.ts";
import type { InventoryEntry } from "../files/inventory-entry.ts";
import type { Attribute } from "../files/rsync-exit.ts";
import { copyByTar } from "../files/tar.ts";
import { type LostAttributes, lostAttributes, refusedByTar } from "./files-attributes.ts";
import { listFile, type SendSession } from "./files-session.ts";
import { stopIfAborted } from "./files-stop.ts";
import { mapStaged, stagedRun } from "./files-sync.ts";

interface Staged {
  isWhole: boolean;
  /** Every file could be read to its end. */
  isRead: boolean;
  lost: LostAttributes;
  broken?: BrokenStream;
}

/** Less is for files that changed or went while it read them. */
const tarFailed = 2;

/** Has tar carry what is listed into the private folder. */
export async function stageByTar(
  session: SendSession,
  onBytes: (count: number) => void,
): Promise<Staged> {
  const { input, ctx, destination } = session;
  const { sourceDir, ownership, temporary } = input;
  try {
    const { create, extract, stderr } = await copyByTar({
      ...{ sourceDir, ownership, list: listFile(session, "tar"), signal: ctx.signal, onBytes },
      pacing: ctx,
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

/**
 * By path, as Latin-1, why a file cannot be read: of a bad block tar makes zeros, in a file that
 * looks whole.
 */
export async function unreadOf({ source, ctx }: SendSession, entries: readonly InventoryEntry[]) {
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
