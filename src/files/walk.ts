import { accessSync, closeSync, constants, opendirSync, openSync } from "node:fs";
import { codeOf } from "../core/errors.ts";
import { type FileEntry, joinPath, nameOf } from "./entry.ts";
import { entryAt, openFolderChain, withinFd } from "./folder-chain.ts";

export interface WalkOptions {
  /** Where to begin, relative to the root; the root itself when absent. */
  from?: Buffer;
  /** Paths that are left out with everything below them. */
  exclude?: (path: Buffer) => boolean;
}

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Yields `from` and everything below it, a folder before its content. Links are never followed and
 * nothing but folders is opened. What cannot be read is yielded with the reason; names that vanish
 * meanwhile are left out. It holds one folder's subfolder names for each level, nothing more.
 */
export function* walkTree(root: string, options: WalkOptions = {}): Generator<FileEntry> {
  const from = options.from ?? Buffer.from(".");
  const exclude = options.exclude ?? (() => false);
  if (exclude(from)) return;
  const chain = openFolderChain(root);
  try {
    const place = chain.place(from);
    if (place.state !== "here") return;
    yield* walkAt(place.location, from, exclude);
  } finally {
    chain.close();
  }
}

function* walkAt(
  location: Buffer,
  path: Buffer,
  exclude: (path: Buffer) => boolean,
): Generator<FileEntry> {
  const entry = entryAt(location, path);
  if (entry === undefined) return;
  if (entry.type !== "d") {
    yield readable(entry, location);
    return;
  }
  let fd: number;
  try {
    fd = openSync(location, folderFlags);
  } catch (error) {
    yield { ...entry, unreadable: `its content cannot be listed (${codeOf(error)})` };
    return;
  }
  try {
    yield entry;
    yield* walkFolder(fd, path, exclude);
  } finally {
    closeSync(fd);
  }
}

function* walkFolder(
  fd: number,
  path: Buffer,
  exclude: (path: Buffer) => boolean,
): Generator<FileEntry> {
  const folders: Buffer[] = [];
  for (const name of namesIn(fd)) {
    const child = joinPath(path, name);
    if (exclude(child)) continue;
    const location = withinFd(fd, name);
    const entry = entryAt(location, child);
    if (entry === undefined) continue;
    if (entry.type === "d") folders.push(child);
    else yield readable(entry, location);
  }
  for (const child of folders) yield* walkAt(withinFd(fd, nameOf(child)), child, exclude);
}

function* namesIn(fd: number): Generator<Buffer> {
  const folder = opendirSync(withinFd(fd, Buffer.from(".")), listing) as unknown as ByteFolder;
  try {
    for (let item = folder.readSync(); item !== null; item = folder.readSync()) yield item.name;
  } finally {
    folder.closeSync();
  }
}

/** Node's types miss that the encoding "buffer" makes the names bytes. */
interface ByteFolder {
  readSync(): { name: Buffer } | null;
  closeSync(): void;
}
const listing = { encoding: "buffer" as BufferEncoding, bufferSize: 256 };

function readable(entry: FileEntry, location: Buffer): FileEntry {
  if (entry.type !== "f") return entry;
  try {
    accessSync(location, constants.R_OK);
    return entry;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return entry;
    return { ...entry, unreadable: `it cannot be read (${codeOf(error)})` };
  }
}
