import { MigrationError } from "../core/errors.ts";
import type { FileEntry, FileType } from "../files/entry.ts";
import type { Look } from "../files/folder-chain.ts";
import type { Hashed } from "../files/hash.ts";
import { type Bytes, makeBytes, readBytes } from "./packed-bytes.ts";

/*
 * What is asked and told of files by the thousand: to write and check each as an object of its own
 * took ten times as long as to look at it.
 */

/** Each path with a NUL byte behind it. */
export function packPaths(paths: readonly Buffer[]): Buffer {
  return Buffer.concat(paths.flatMap((path) => [path, end]));
}

const end = Buffer.alloc(1);

export function unpackPaths(packed: Buffer): Buffer[] {
  const paths: Buffer[] = [];
  let start = 0;
  for (let at = packed.indexOf(0); at >= 0; at = packed.indexOf(0, start)) {
    paths.push(packed.subarray(start, at));
    start = at + 1;
  }
  if (start !== packed.length) throw malformed("a path has no end");
  return paths;
}

const states = { absent: 0, blocked: 1, here: 2 } as const;
const types: readonly FileType[] = ["f", "d", "l", "p", "s", "c", "b"];

/** The paths are not told back: what is told is in their order. */
export function packLooks(looks: readonly Look[]): Buffer {
  const bytes = makeBytes();
  for (const look of looks) {
    bytes.byte(states[look.state]);
    if (look.state === "blocked") bytes.text(look.reason);
    if (look.state === "here") packEntry(bytes, look.entry);
  }
  return bytes.packed();
}

export function unpackLooks(packed: Buffer, paths: readonly Buffer[]): Look[] {
  const bytes = readBytes(packed);
  const looks = paths.map((path): Look => {
    const state = bytes.byte();
    if (state === states.absent) return { state: "absent" };
    if (state === states.blocked) return { state: "blocked", reason: bytes.text() };
    if (state === states.here) return { state: "here", entry: unpackEntry(bytes, path) };
    throw malformed(`there is no state ${state}`);
  });
  bytes.end();
  return looks;
}

function packEntry(bytes: Bytes, entry: FileEntry) {
  const { target, unreadable } = entry;
  bytes.byte(types.indexOf(entry.type));
  for (const number of [entry.size, entry.allocated]) bytes.number(number);
  for (const number of [entry.mode, entry.uid, entry.gid, entry.nlink]) bytes.number(number);
  for (const long of [entry.mtimeNs, entry.ctimeNs, entry.dev, entry.ino]) bytes.long(long);
  bytes.byte(Number(target !== undefined) + 2 * Number(unreadable !== undefined));
  if (target !== undefined) bytes.bytes(target);
  if (unreadable !== undefined) bytes.text(unreadable);
}

function unpackEntry(bytes: ReturnType<typeof readBytes>, path: Buffer): FileEntry {
  const type = types[bytes.byte()];
  if (type === undefined) throw malformed("there is no such type");
  const entry: FileEntry = {
    ...{ path, type, size: bytes.number(), allocated: bytes.number(), mode: bytes.number() },
    ...{ uid: bytes.number(), gid: bytes.number(), nlink: bytes.number() },
    ...{ mtimeNs: bytes.long(), ctimeNs: bytes.long(), dev: bytes.long(), ino: bytes.long() },
  };
  const more = bytes.byte();
  if ((more & 1) !== 0) entry.target = bytes.bytes();
  if ((more & 2) !== 0) entry.unreadable = bytes.text();
  return entry;
}

/** A hash, or why there is none. */
export function packHashes(hashes: readonly Hashed[]): Buffer {
  const bytes = makeBytes();
  for (const hash of hashes) {
    bytes.byte(Number(typeof hash !== "string"));
    if (typeof hash === "string") bytes.text(hash);
    else bytes.bytes(hash);
  }
  return bytes.packed();
}

export function unpackHashes(packed: Buffer, count: number): Hashed[] {
  const bytes = readBytes(packed);
  const hashes = Array.from({ length: count }, () =>
    bytes.byte() === 1 ? bytes.bytes() : bytes.text(),
  );
  bytes.end();
  return hashes;
}

function malformed(why: string): MigrationError {
  return new MigrationError("E_REFUSED", `What is told of files is malformed: ${why}`);
}
