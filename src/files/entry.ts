import type { BigIntStats } from "node:fs";

/** f regular, d directory, l symbolic link, p fifo, s socket, c and b devices. */
const fileTypes = ["f", "d", "l", "p", "s", "c", "b"] as const;
export type FileType = (typeof fileTypes)[number];

/** One name in a tree as `lstat` sees it. Times are nanoseconds since 1970. */
export interface FileEntry {
  /** Bytes relative to the root, without a leading slash; "." is the root itself. */
  path: Buffer;
  type: FileType;
  size: number;
  /** Bytes that it takes on disk: less than `size` for a sparse file. */
  allocated: number;
  mtimeNs: bigint;
  ctimeNs: bigint;
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  dev: bigint;
  ino: bigint;
  nlink: number;
  /** Where a symbolic link points to, as bytes. */
  target?: Buffer;
  /** Why it cannot be read by the current user. */
  unreadable?: string;
}

const slash = 0x2f;
export const rootPath: Buffer = Buffer.from(".");
const above = Buffer.from("..");

export function toEntry(path: Buffer, stat: BigIntStats): FileEntry {
  return {
    path,
    type: typeOf(stat),
    size: Number(stat.size),
    allocated: Number(stat.blocks) * 512,
    mtimeNs: asStored(stat.mtimeNs),
    ctimeNs: asStored(stat.ctimeNs),
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    dev: asStored(stat.dev),
    ino: asStored(stat.ino),
    nlink: Number(stat.nlink),
  };
}

/** SQLite keeps 64 signed bits: a year beyond 2262 or a huge inode number wraps, on both sides. */
function asStored(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

function typeOf(stat: BigIntStats): FileType {
  if (stat.isFile()) return "f";
  if (stat.isDirectory()) return "d";
  if (stat.isSymbolicLink()) return "l";
  if (stat.isFIFO()) return "p";
  if (stat.isSocket()) return "s";
  return stat.isCharacterDevice() ? "c" : "b";
}

export function isRoot(path: Buffer): boolean {
  return path.equals(rootPath);
}

export function joinPath(parent: Buffer, name: Buffer): Buffer {
  return isRoot(parent) ? name : Buffer.concat([parent, Buffer.from("/"), name]);
}

/** The folder that holds `path`; "." for a top-level name. */
export function parentOf(path: Buffer): Buffer {
  const cut = path.lastIndexOf(slash);
  return cut < 0 ? rootPath : path.subarray(0, cut);
}

export function nameOf(path: Buffer): Buffer {
  return path.subarray(path.lastIndexOf(slash) + 1);
}

/** The names of a path from the top; none for the root. */
export function partsOf(path: Buffer): Buffer[] {
  if (isRoot(path)) return [];
  const parts: Buffer[] = [];
  let start = 0;
  for (let cut = path.indexOf(slash); cut >= 0; cut = path.indexOf(slash, start)) {
    parts.push(path.subarray(start, cut));
    start = cut + 1;
  }
  parts.push(path.subarray(start));
  return parts;
}

/** True for `path` itself and everything below `folder`. */
export function isWithin(path: Buffer, folder: Buffer): boolean {
  if (isRoot(folder)) return true;
  if (!path.subarray(0, folder.length).equals(folder)) return false;
  return path.length === folder.length || path[folder.length] === slash;
}

/** Whether an id or owner may stand for one name in a path. */
export function safePathPart(name: Buffer | string): boolean {
  const bytes = typeof name === "string" ? Buffer.from(name) : name;
  if (bytes.length === 0 || bytes.length > 255) return false;
  if (bytes.includes(0) || bytes.includes(slash)) return false;
  return !bytes.equals(rootPath) && !bytes.equals(above);
}

/** A relative path whose every part is one name; what the tree walks never leave the root by. */
export function safeRelativePath(path: Buffer): boolean {
  return isRoot(path) || partsOf(path).every(safePathPart);
}

/** A path for JSON: as text, and as base64 beside it where the text would lose bytes. */
export function printablePath(path: Buffer): { path: string; base64?: string } {
  const text = path.toString("utf8");
  return Buffer.from(text, "utf8").equals(path)
    ? { path: text }
    : { path: text, base64: path.toString("base64") };
}

interface State {
  size: number;
  mtimeNs: bigint;
}

/** Equal size and modification time: what rsync takes for an equal file. */
export function sameState(one: State, other: State): boolean {
  return one.size === other.size && one.mtimeNs === other.mtimeNs;
}

/** Whether two links point to the same place; what is no link points nowhere. */
export function sameTarget(one: FileEntry, other: FileEntry): boolean {
  if (one.target === undefined || other.target === undefined) return one.target === other.target;
  return one.target.equals(other.target);
}

const second = 10n ** 9n;

/** Seconds with a fraction, as "-1.500000000" for a second and a half before 1970. */
export function timeText(time: bigint): string {
  const size = time < 0n ? -time : time;
  return `${time < 0n ? "-" : ""}${size / second}.${String(size % second).padStart(9, "0")}`;
}
