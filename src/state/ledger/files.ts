import type { DatabaseSync, SQLInputValue, SQLOutputValue } from "node:sqlite";
import type { FileLedger, FileRecord } from "../../core/ledger.ts";
import { guard, transaction } from "./database.ts";
import { bytes } from "./documents.ts";
import type { Numbers } from "./numbers.ts";

const upsert = `
  INSERT OR REPLACE INTO files VALUES (
    :path, :type, :size, :mtime, :mode, :uid, :gid, :sourceCtime, :destinationCtime, :hash, :ours,
    :run, :state, :previousSize, :previousMtime, :previousCtime)`;

export function openFileLedger(database: DatabaseSync, path: string, runs: Numbers): FileLedger {
  const find = database.prepare("SELECT * FROM files WHERE path = ?");
  find.setReadBigInts(true);
  const put = database.prepare(upsert);
  const remove = database.prepare("DELETE FROM files WHERE path = ?");
  return {
    get: (key) => guard(path, () => recordOf(find.get(key), runs)),
    put(entries) {
      guard(path, () => {
        // Numbers of runs must outlive this transaction, so they are made before it.
        const rows = Array.from(entries, (entry) => rowOf(entry, runs));
        transaction(database, () => {
          for (const row of rows) put.run(row);
        });
      });
    },
    forget(paths) {
      guard(path, () =>
        transaction(database, () => {
          for (const key of paths) remove.run(key);
        }),
      );
    },
  };
}

function rowOf(entry: { path: Buffer; record: FileRecord }, runs: Numbers) {
  const { type, size, mode, uid, gid, state, hash, previous, ...record } = entry.record;
  return {
    ...{ path: entry.path, type, size, mode, uid, gid, state, hash: hash ?? null },
    run: runs.numberOf(record.run),
    ours: record.ours ? 1 : 0,
    mtime: fromTime(record.mtimeNs),
    sourceCtime: fromTime(record.sourceCtimeNs),
    destinationCtime: fromTime(record.destinationCtimeNs),
    previousSize: previous?.size ?? null,
    previousMtime: previous ? fromTime(previous.mtimeNs) : null,
    previousCtime: previous ? fromTime(previous.destinationCtimeNs) : null,
  } satisfies Record<string, SQLInputValue>;
}

type Row = Record<string, SQLOutputValue>;

function recordOf(row: Row | undefined, runs: Numbers): FileRecord | undefined {
  if (row === undefined) return undefined;
  const { type, size, mode, uid, gid, mtime, source_ctime, destination_ctime } = row;
  const { hash, ours, run, state, previous_size, previous_mtime, previous_ctime } = row;
  const record: FileRecord = {
    type: String(type),
    size: Number(size),
    mtimeNs: toTime(mtime),
    mode: Number(mode),
    uid: Number(uid),
    gid: Number(gid),
    sourceCtimeNs: toTime(source_ctime),
    destinationCtimeNs: toTime(destination_ctime),
    ours: ours === 1n,
    run: runs.nameOf(Number(run)),
    state: state === "written" ? "written" : "intended",
  };
  if (hash !== null) record.hash = bytes(hash);
  if (previous_size === null) return record;
  record.previous = {
    size: Number(previous_size),
    mtimeNs: toTime(previous_mtime),
    destinationCtimeNs: toTime(previous_ctime),
  };
  return record;
}

/** Nanoseconds after the year 2262 are no 64-bit integer any more; those are kept as digits. */
function fromTime(nanoseconds: bigint): bigint | string {
  return BigInt.asIntN(64, nanoseconds) === nanoseconds ? nanoseconds : nanoseconds.toString();
}

function toTime(value: SQLOutputValue | undefined): bigint {
  return typeof value === "bigint" || typeof value === "string" ? BigInt(value) : 0n;
}
