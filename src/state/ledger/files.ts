import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import type { FileIntent, FileLedger, FileRecord, KnownFile } from "../../core/ledger.ts";
import { guard, transaction } from "./database.ts";
import { bytes, originOf } from "./documents.ts";
import type { Names, Numbers } from "./numbers.ts";

/** An update, or more of the same run: what is there goes on from what was ours. */
const goesOn = `
  (ours AND excluded.ours AND (excluded.previous_size IS NOT NULL OR run = excluded.run))`;

/** What `rowOf` gives, in this order: values by name take five times as long. */
const upsert = `
  INSERT INTO files (
    path, type, size, mtime, mode, uid, gid, source_ctime, destination_ctime, hash, ours, run, state,
    previous_size, previous_mtime, previous_ctime, origin, overwrote, scope, other_volume)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
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

const recordColumns = `type, size, mtime, mode, uid, gid, source_ctime, destination_ctime, hash, ours,
  run, state, previous_size, previous_mtime, previous_ctime`;

const pageSize = 500;
/** So many paths stand in one statement. */
const together = 200;

export function openFileLedger(names: Names, scope?: string): FileLedger {
  const { database, path, runs } = names;
  const find = prepareFind(database, 1);
  const findMany = prepareFind(database, together);
  const isEmpty = database.prepare("SELECT 1 FROM files LIMIT 1");
  const put = database.prepare(upsert);
  const keep = database.prepare(
    "UPDATE files SET hash = ? WHERE path = ? AND destination_ctime = ?",
  );
  const remove = database.prepare("DELETE FROM files WHERE path = ?");
  const known = `SELECT path, ${recordColumns}, origin, overwrote, scope, other_volume FROM files`;
  const downwards = `ORDER BY path DESC LIMIT ${pageSize}`;
  const last = asRows(database.prepare(`${known} ${downwards}`));
  const before = asRows(database.prepare(`${known} WHERE path < ? ${downwards}`));
  function getAll(paths: readonly Buffer[]): (FileRecord | undefined)[] {
    const found = new Map<string, FileRecord>();
    const keepAll = (rows: unknown[]) => {
      for (const one of recordsOf(rows, runs)) found.set(one.path.toString("latin1"), one.record);
    };
    if (isEmpty.get() === undefined) return paths.map(() => undefined);
    let at = 0;
    for (; at + together <= paths.length; at += together) {
      keepAll(findMany.all(...paths.slice(at, at + together)));
    }
    for (const key of paths.slice(at)) keepAll(find.all(key));
    return paths.map((key) => found.get(key.toString("latin1")));
  }
  function page(end: Buffer | undefined): KnownFile[] {
    const rows = guard(path, () => (end === undefined ? last.all() : before.all(end)));
    return (rows as unknown as Row[]).map((row) => knownOf(row, names));
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
    get: (key) => guard(path, () => recordsOf(find.all(key), runs)[0]?.record),
    getAll: (paths) => guard(path, () => getAll(paths)),
    put(entries) {
      guard(path, () => {
        // Numbers of runs must outlive this transaction, so they are made before it.
        const rows = Array.from(entries, (entry) => rowOf(entry, names, scope));
        transaction(database, () => {
          for (const row of rows) put.run(...row);
        });
      });
    },
    keepHashes(read) {
      guard(path, () =>
        transaction(database, () => {
          for (const { path: key, destinationCtimeNs, hash } of read) {
            keep.run(hash, key, fromTime(destinationCtimeNs));
          }
        }),
      );
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

function rowOf(
  { path, record, intent: { overwrites = false, otherVolume } = {} }: Entry,
  { runs, scopes }: Names,
  scope: string | undefined,
): SQLInputValue[] {
  const { previous } = record;
  const run = runs.numberOf(record.run);
  return [
    path,
    record.type,
    record.size,
    fromTime(record.mtimeNs),
    record.mode,
    record.uid,
    record.gid,
    fromTime(record.sourceCtimeNs),
    fromTime(record.destinationCtimeNs),
    record.hash ?? null,
    Number(record.ours),
    run,
    record.state,
    previous?.size ?? null,
    previous ? fromTime(previous.mtimeNs) : null,
    previous ? fromTime(previous.destinationCtimeNs) : null,
    run,
    Number(overwrites),
    scope === undefined ? null : scopes.numberOf(scope),
    otherVolume === undefined ? null : Number(otherVolume),
  ];
}

/** Finds so many paths; a row that is an array costs half of what an object does. */
function prepareFind(database: DatabaseSync, count: number): StatementSync {
  const places = Array(count).fill("?").join(", ");
  const find = database.prepare(
    `SELECT path, ${recordColumns} FROM files WHERE path IN (${places})`,
  );
  return asRows(find);
}

function asRows(statement: StatementSync): StatementSync {
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  return statement;
}

/** `path`, `recordColumns`, and for a page where it came from. */
type Row = SQLOutputValue[];

function recordsOf(rows: unknown, runs: Numbers): { path: Buffer; record: FileRecord }[] {
  return (rows as Row[]).map((row) => ({ path: bytes(row[0]), record: recordOf(row, runs) }));
}

function knownOf(row: Row, names: Names): KnownFile {
  const [origin = null, overwrote = null, scope = null, otherVolume] = row.slice(16);
  return {
    path: bytes(row[0]),
    record: recordOf(row, names.runs),
    origin: originOf({ origin, overwrote, scope }, names),
    otherVolume: Number(otherVolume) === 1,
  };
}

function recordOf(row: Row, runs: Numbers): FileRecord {
  const hash = row[9];
  const record: FileRecord = {
    type: String(row[1]),
    size: Number(row[2]),
    mtimeNs: toTime(row[3]),
    mode: Number(row[4]),
    uid: Number(row[5]),
    gid: Number(row[6]),
    sourceCtimeNs: toTime(row[7]),
    destinationCtimeNs: toTime(row[8]),
    ours: row[10] === 1n,
    run: runs.nameOf(Number(row[11])),
    state: row[12] === "written" ? "written" : "intended",
  };
  if (hash !== null) record.hash = bytes(hash);
  if (row[13] === null) return record;
  record.previous = {
    size: Number(row[13]),
    mtimeNs: toTime(row[14]),
    destinationCtimeNs: toTime(row[15]),
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
