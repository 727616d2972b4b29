import { parentOf } from "../files/entry.ts";
import type { Inventory } from "../files/inventory.ts";
import type { InventoryEntry, Outcome } from "../files/inventory-entry.ts";

/**
 * Where one name of a hard-linked file is sent, its other names that are ours come along, so that
 * they can be linked. Returns how many linked files have names that are not carried.
 */
export function joinLinkGroups(inventory: Inventory): number {
  let outside = 0;
  for (const group of inventory.linkGroups()) {
    const carried = group.filter(({ ours }) => ours);
    if (carried.length > 0 && carried.length < (group[0]?.nlink ?? 0)) outside++;
    for (const via of ["rsync", "tar"] as const) {
      inventory.update(joined(carried.filter((entry) => entry.via === via)));
    }
  }
  return outside;
}

function* joined(group: InventoryEntry[]) {
  if (!group.some(({ send }) => send === "data")) return;
  const force = group.some((entry) => entry.force);
  for (const { path, send } of group) {
    const outcome: Partial<Outcome> = { send: send === "no" ? "refresh" : send, force };
    yield { path, outcome };
  }
}

/** A folder's times change when something is put into it: those of ours are set again. */
export function refreshFolders(inventory: Inventory) {
  for (const page of inventory.paths({ send: "data" })) {
    markStale(inventory, foldersOf(page));
  }
}

/** The folders that the paths are in, each once; names of one folder mostly follow each other. */
export function foldersOf(paths: readonly Buffer[]): Iterable<Buffer> {
  const folders = new Map<string, Buffer>();
  let last: Buffer | undefined;
  for (const path of paths) {
    const folder = parentOf(path);
    if (last?.equals(folder)) continue;
    folders.set(folder.toString("latin1"), folder);
    last = folder;
  }
  return folders.values();
}

/** The attributes of these folders, where they are ours, are to be set again. */
export function markStale(inventory: Inventory, folders: Iterable<Buffer>) {
  const stale = [...folders].filter((path) => isSettledFolder(inventory.get(path)));
  const outcome: Partial<Outcome> = { send: "refresh" };
  inventory.update(stale.map((path) => ({ path, outcome })));
}

function isSettledFolder(entry: InventoryEntry | undefined): boolean {
  return entry?.type === "d" && entry.ours && entry.send === "no";
}
