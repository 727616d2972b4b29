import type { Verdict } from "../core/verdict.ts";
import type { FileEntry, FileType } from "./entry.ts";
import type { InventoryEntry, Outcome, Selected, Sending, Via } from "./inventory-entry.ts";

/** One writer, so no shared memory and no second file: this works on network file systems too. */
export const schema = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = TRUNCATE;
  PRAGMA cache_size = -8000;
  CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS missing (path BLOB PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS entries (
    path BLOB PRIMARY KEY, type TEXT NOT NULL, size INTEGER NOT NULL, allocated INTEGER NOT NULL,
    mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, mode INTEGER NOT NULL, uid INTEGER NOT NULL,
    gid INTEGER NOT NULL, dev INTEGER NOT NULL, ino INTEGER NOT NULL, nlink INTEGER NOT NULL,
    target BLOB, unreadable TEXT,
    via TEXT NOT NULL, owned INTEGER NOT NULL, parent INTEGER NOT NULL,
    verdict TEXT, reason TEXT, send TEXT NOT NULL DEFAULT 'no', force INTEGER NOT NULL DEFAULT 0,
    ours INTEGER NOT NULL DEFAULT 0, attributesDiffer INTEGER NOT NULL DEFAULT 0,
    done INTEGER NOT NULL DEFAULT 0, verified INTEGER NOT NULL DEFAULT 0,
    beforeType TEXT, beforeSize INTEGER, beforeMtime INTEGER, beforeCtime INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS links ON entries (dev, ino) WHERE nlink > 1 AND type <> 'd';
`;

type Value = string | number | bigint | Uint8Array | null;
export type Row = Record<string, Value>;

/** The columns that an inventory is made with, in the order of the insert. */
export function plainRow(entry: FileEntry & Selected) {
  return {
    path: entry.path,
    type: entry.type,
    size: entry.size,
    allocated: entry.allocated,
    mtime: entry.mtimeNs,
    ctime: entry.ctimeNs,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    dev: entry.dev,
    ino: entry.ino,
    nlink: entry.nlink,
    target: entry.target ?? null,
    unreadable: entry.unreadable ?? null,
    via: entry.via,
    owned: Number(entry.owned),
    parent: Number(entry.parent),
  } satisfies Row;
}

/** The columns of what is given of an outcome. */
export function rowOf(outcome: Partial<Outcome>): Row {
  const row: Row = {};
  for (const [name, value] of Object.entries(outcome)) {
    if (name === "before") continue;
    row[name] = typeof value === "boolean" ? Number(value) : ((value as Value | undefined) ?? null);
  }
  if ("before" in outcome) {
    Object.assign(row, {
      beforeType: outcome.before?.type ?? null,
      beforeSize: outcome.before?.size ?? null,
      beforeMtime: outcome.before?.mtimeNs ?? null,
      beforeCtime: outcome.before?.ctimeNs ?? null,
    });
  }
  return row;
}

/**
 * What is read of an entry. Every integer comes as a bigint, which costs; the marks come as one.
 */
export const entryColumns = `path, type, size, allocated, mtime, ctime, mode, uid, gid, dev, ino,
  nlink, target, unreadable, via, verdict, reason, send, beforeType, beforeSize, beforeMtime,
  beforeCtime, owned + 2 * parent + 4 * force + 8 * ours + 16 * attributesDiffer + 32 * done
  + 64 * verified`;

/** A row as it is read: an array costs half of what an object does. */
export type EntryRow = [
  path: Uint8Array,
  type: FileType,
  size: bigint,
  allocated: bigint,
  mtime: bigint,
  ctime: bigint,
  mode: bigint,
  uid: bigint,
  gid: bigint,
  dev: bigint,
  ino: bigint,
  nlink: bigint,
  target: Uint8Array | null,
  unreadable: string | null,
  via: Via,
  verdict: Verdict | null,
  reason: string | null,
  send: Sending,
  beforeType: FileType | null,
  beforeSize: bigint,
  beforeMtime: bigint,
  beforeCtime: bigint,
  marks: bigint,
];

export function entryOf(row: EntryRow): InventoryEntry {
  const marks = Number(row[22]);
  const entry: InventoryEntry = {
    path: bytesOf(row[0]),
    type: row[1],
    size: Number(row[2]),
    allocated: Number(row[3]),
    mtimeNs: row[4],
    ctimeNs: row[5],
    mode: Number(row[6]),
    uid: Number(row[7]),
    gid: Number(row[8]),
    dev: row[9],
    ino: row[10],
    nlink: Number(row[11]),
    via: row[14],
    owned: (marks & 1) !== 0,
    parent: (marks & 2) !== 0,
    verdict: row[15] ?? undefined,
    reason: row[16] ?? undefined,
    send: row[17],
    force: (marks & 4) !== 0,
    ours: (marks & 8) !== 0,
    attributesDiffer: (marks & 16) !== 0,
    done: (marks & 32) !== 0,
    verified: (marks & 64) !== 0,
    before: beforeOf(row),
  };
  if (row[12] !== null) entry.target = bytesOf(row[12]);
  if (row[13] !== null) entry.unreadable = row[13];
  return entry;
}

/** The same memory as a buffer. */
export function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function beforeOf(row: EntryRow) {
  const type = row[18];
  if (type === null) return undefined;
  return { type, size: Number(row[19]), mtimeNs: row[20], ctimeNs: row[21] };
}
