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

/** A row as it is read, with every integer as a bigint. */
export interface EntryRow {
  path: Uint8Array;
  type: FileType;
  size: bigint;
  allocated: bigint;
  mtime: bigint;
  ctime: bigint;
  mode: bigint;
  uid: bigint;
  gid: bigint;
  dev: bigint;
  ino: bigint;
  nlink: bigint;
  target: Uint8Array | null;
  unreadable: string | null;
  via: Via;
  owned: bigint;
  parent: bigint;
  verdict: Verdict | null;
  reason: string | null;
  send: Sending;
  force: bigint;
  ours: bigint;
  attributesDiffer: bigint;
  done: bigint;
  verified: bigint;
  beforeType: FileType | null;
  beforeSize: bigint;
  beforeMtime: bigint;
  beforeCtime: bigint;
}

export function entryOf(row: EntryRow): InventoryEntry {
  return {
    path: bytesOf(row.path),
    type: row.type,
    size: Number(row.size),
    allocated: Number(row.allocated),
    mtimeNs: row.mtime,
    ctimeNs: row.ctime,
    mode: Number(row.mode),
    uid: Number(row.uid),
    gid: Number(row.gid),
    dev: row.dev,
    ino: row.ino,
    nlink: Number(row.nlink),
    ...(row.target === null ? {} : { target: bytesOf(row.target) }),
    ...(row.unreadable === null ? {} : { unreadable: row.unreadable }),
    via: row.via,
    owned: row.owned === 1n,
    parent: row.parent === 1n,
    verdict: row.verdict ?? undefined,
    reason: row.reason ?? undefined,
    send: row.send,
    force: row.force === 1n,
    ours: row.ours === 1n,
    attributesDiffer: row.attributesDiffer === 1n,
    done: row.done === 1n,
    verified: row.verified === 1n,
    before: beforeOf(row),
  };
}

/** The same memory as a buffer. */
function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function beforeOf(row: EntryRow) {
  if (row.beforeType === null) return undefined;
  return {
    type: row.beforeType,
    size: Number(row.beforeSize),
    mtimeNs: row.beforeMtime,
    ctimeNs: row.beforeCtime,
  };
}
