import { closeSync, constants, lstatSync, openSync, readlinkSync } from "node:fs";
import { codeOf } from "../core/errors.ts";
import { type FileEntry, isRoot, nameOf, parentOf, partsOf, toEntry } from "./entry.ts";

/** Linux's O_PATH, which Node does not name: a handle for walking, without the right to read. */
const openPath = 0o10000000;
const folderFlags = openPath | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Where a name is: usable by any call that does not follow links, as long as the chain stands. */
export type Place =
  | { state: "here"; location: Buffer }
  | { state: "absent" }
  | { state: "blocked"; reason: string };

export type Look =
  | { state: "here"; entry: FileEntry }
  | { state: "absent" }
  | { state: "blocked"; reason: string };

interface Link {
  name: Buffer;
  fd: number;
}

/**
 * Reaches names below a root folder by folder, each opened relative to the one before and never
 * through a symbolic link, so that paths beyond PATH_MAX work and nothing outside is ever reached.
 * It keeps the folders of the last path open: paths in order cost one open for each new folder.
 */
export interface FolderChain {
  place(path: Buffer): Place;
  look(path: Buffer): Look;
  close(): void;
}

export function openFolderChain(root: string): FolderChain {
  const rootFd = openSync(root, openPath | constants.O_DIRECTORY);
  const links: Link[] = [];
  /** The folder that the links end at, and what its names are reached by. */
  let opened: { folder: Buffer; prefix: Buffer } | undefined;

  function closeFrom(length: number) {
    for (const link of links.splice(length)) closeSync(link.fd);
  }
  function fdOf(depth: number): number {
    return links[depth - 1]?.fd ?? rootFd;
  }
  function place(path: Buffer): Place {
    if (isRoot(path)) return { state: "here", location: withinFd(rootFd, Buffer.from(".")) };
    const folder = parentOf(path);
    if (!opened?.folder.equals(folder)) {
      opened = undefined;
      const closed = openFolders(partsOf(folder));
      if (closed !== undefined) return closed;
      opened = { folder, prefix: withinFd(fdOf(links.length), empty) };
    }
    return { state: "here", location: Buffer.concat([opened.prefix, nameOf(path)]) };
  }
  /** Why not all of them could be opened, if so. */
  function openFolders(folders: Buffer[]): Place | undefined {
    let depth = 0;
    while (depth < folders.length && folders[depth]?.equals(links[depth]?.name ?? empty)) depth++;
    closeFrom(depth);
    for (const name of folders.slice(depth)) {
      const parent = fdOf(links.length);
      try {
        links.push({ name, fd: openSync(withinFd(parent, name), folderFlags) });
      } catch (error) {
        return blocked(error, withinFd(parent, name), name);
      }
    }
    return undefined;
  }
  function close() {
    closeFrom(0);
    closeSync(rootFd);
  }
  return { place, look: (path) => lookAt(place(path), path), close };
}

/** What is at a place of this path. */
export function lookAt(place: Place, path: Buffer): Look {
  if (place.state !== "here") return place;
  try {
    const entry = entryAt(place.location, path);
    return entry === undefined ? { state: "absent" } : { state: "here", entry };
  } catch (error) {
    return { state: "blocked", reason: `it cannot be looked at (${codeOf(error)})` };
  }
}

const empty = Buffer.alloc(0);

export function withinFd(fd: number, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${fd}/`), name]);
}

/** What is at a location; undefined where nothing is. */
export function entryAt(location: Buffer, path: Buffer): FileEntry | undefined {
  const stat = lstatSync(location, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  const entry = toEntry(path, stat);
  if (entry.type !== "l") return entry;
  try {
    return { ...entry, target: readlinkSync(location, { encoding: "buffer" }) };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function blocked(error: unknown, location: Buffer, name: Buffer): Place {
  const code = codeOf(error);
  if (code === "ENOENT") return { state: "absent" };
  const folder = JSON.stringify(name.toString());
  if (code !== "ENOTDIR" && code !== "ELOOP") {
    return { state: "blocked", reason: `the folder ${folder} above it cannot be opened (${code})` };
  }
  const what = lstatSync(location).isSymbolicLink() ? "a symbolic link" : "not a folder";
  return { state: "blocked", reason: `${folder} above it is ${what}` };
}
