import type { FolderPlacement } from "../files/destination.ts";
import { isRoot, parentOf } from "../files/entry.ts";
import type { InventoryEntry } from "../files/inventory-entry.ts";
import { type Owners, promised } from "../files/ownership.ts";
import { confirmAll } from "./files-confirm.ts";
import { intendAll } from "./files-intents.ts";
import type { SendSession } from "./files-session.ts";
import { stopIfAborted } from "./files-stop.ts";

/** Makes the folders that are to be sent, where there is no rsync; parents come before children. */
export async function makeFolders(session: SendSession) {
  const isToMake = ({ done, type, path }: InventoryEntry) => !done && type === "d" && !isRoot(path);
  for (const page of session.inventory.pages({ send: "any" })) {
    stopIfAborted(session.ctx.signal, "The copy of the files");
    const cleared = await intendAll(page.filter(isToMake), session);
    const reasons = await place(session, cleared);
    await confirmAll(cleared, session, {
      reasonFor: (path) => reasons.get(path.toString("latin1")),
      lostFor: () => [],
    });
  }
}

/** Gives the folders of ours their attributes again: what was made in them moved their times. */
export async function finishFolders(session: SendSession) {
  const { inventory } = session;
  for (const page of inventory.pages({ send: "any" })) {
    const folders = new Map<string, InventoryEntry>();
    for (const { path, type } of page) {
      for (const one of type === "d" ? [path, parentOf(path)] : [parentOf(path)]) {
        const folder = inventory.get(one);
        if (folder?.ours && !isRoot(one)) folders.set(one.toString("latin1"), folder);
      }
    }
    await place(session, [...folders.values()]);
  }
}

/** Gives the root its attributes. */
export async function placeRoot(session: SendSession, root: InventoryEntry) {
  await place(session, [root]);
}

/** By path, as Latin-1, why it was not done. */
async function place(
  { destination, input }: SendSession,
  entries: readonly InventoryEntry[],
): Promise<Map<string, string>> {
  const reasons = new Map<string, string>();
  if (entries.length === 0 || destination.placeFolders === undefined) return reasons;
  const why = await destination.placeFolders(entries.map((entry) => placementOf(entry, input)));
  for (const [at, { path }] of entries.entries()) {
    const reason = why[at];
    if (reason !== undefined) reasons.set(path.toString("latin1"), reason);
  }
  return reasons;
}

function placementOf(entry: InventoryEntry, owners: Owners): FolderPlacement {
  const { mode = entry.mode, uid, gid, mtimeNs } = promised(entry, owners);
  return {
    ...{ path: entry.path, mode },
    ...(uid === undefined || gid === undefined ? {} : { owner: { uid, gid } }),
    ...(mtimeNs === undefined ? {} : { mtimeNs }),
  };
}
