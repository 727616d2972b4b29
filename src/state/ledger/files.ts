import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import type { FileIntent, FileLedger, FileRecord, KnownFile } from "../../core/ledger.ts";
import { guard, transaction } from "./database.ts";
import { bytes, originOf } from "./documents.ts";
import type { Names, Numbers } from "./numbers.ts";

/** An update, or more of the same run: what is there goes on from what was ours. */
const goesOn = `
  (ours AND excluded.ours AND (excluded.previous_size IS NOT NULL OR run = excluded.run))`;

const upsert = `
  INSERT INTO files VALUES (
    :path, :type, :size, :mtime, :mode, :uid, :gid, :sourceCtime, :destinationCtime, :hash, :ours,
    :run, :state, :previousSize, :previousMtime, :previousCtime,
    :run, :overwrites, :scope, :otherVolume)
  ON CONFLICT DO UPDATE SET
    origin = iif(${goesOn}, origin, excluded.origin),
    overwrote = iif(${goesOn}, max(coalesce(overwrote, 0), excluded.overwrote), excluded.overwrote),
    scope = coalesce(excluded.scope, scope),
    other_volume = coalesce(excluded.other_volume, other_volume),
    type = excluded.type, size = excluded.size, mtime = excluded.mtime, mode = excluded.mode,
    uid = excluded.uid, gid = excluded.gid, source_ctime = excluded.source_ctime,
    destination_ctime = excluded.destination_ctime, hash = excluded.hash, ours = excluded.ours,
    run = excluded.run, state = excluded.state, previous_size = excluded.previous_size,
    previous_mtime = excluded.previous_mtime, previous_ctime = excluded.previous_ctime`;

const pageSize = 500;

export function openFileLedger(names: Names, scope?: string): FileLedger {
  const { database, path, runs } = names;
  const find = database.prepare("SELECT * FROM files WHERE path = ?");
  find.setReadBigInts(true);
  const put = database.prepare(upsert);
  const remove = database.prepare("DELETE FROM files WHERE path = ?");
  const last = database.prepare(`SELECT * FROM files ORDER BY path DESC LIMIT ${pageSize}`);
  const before = database.prepare(
    `SELECT * FROM files WHERE path < ? ORDER BY path DESC LIMIT ${pageSize}`,
  );
  last.setReadBigInts(true);
  before.setReadBigInts(true);
  function page(end: Buffer | undefined): KnownFile[] {
    const rows = guard(path, () => (end === undefined ? last.all() : before.all(end)));
    return rows.flatMap((row) => knownOf(row, names) ?? []);
  }
  return {
    *pages() {
      let rows = page(undefined);
      while (rows.length > 0) {
        const end = rows.at(-1)?.path;
        yield rows;
        rows = page(end);
      }
    },
    get: (key) => guard(path, () => recordOf(find.get(key), runs)),
    put(entries) {
      guard(path, () => {
        // Numbers of runs must outlive this transaction, so they are made before it.
        const rows = Array.from(entries, (entry) => rowOf(entry, names, scope));
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

interface Entry {
  path: Buffer;
  record: FileRecord;
  intent?: FileIntent;
}

function rowOf(entry: Entry, { runs, scopes }: Names, scope: string | undefined) {
  const { overwrites = false, otherVolume } = entry.intent ?? {};
  const { type, size, mode, uid, gid, state, hash, previous, ...record } = entry.record;
  return {
    ...{ path: entry.path, type, size, mode, uid, gid, state, hash: hash ?? null },
    run: runs.numberOf(record.run),
    scope: scope === undefined ? null : scopes.numberOf(scope),
    overwrites: Number(overwrites),
    otherVolume: otherVolume === undefined ? null : Number(otherVolume),
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

function knownOf(row: Row, names: Names): KnownFile | undefined {
  const record = recordOf(row, names.runs);
  if (record === undefined) return undefined;
  const { path, other_volume } = row;
  const otherVolume = Number(other_volume) === 1;
  return { path: bytes(path), record, origin: originOf(row, names), otherVolume };
}

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
