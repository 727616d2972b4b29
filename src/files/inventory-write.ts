import type { FileEntry } from "./entry.ts";
import type { Connection } from "./inventory-connection.ts";
import type { Outcome, Selected } from "./inventory-entry.ts";
import { plainRow, type Row, rowOf } from "./inventory-schema.ts";

const insertText = `INSERT INTO entries
  (path, type, size, allocated, mtime, ctime, mode, uid, gid, dev, ino, nlink, target, unreadable,
   via, owned, parent)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (path) DO UPDATE SET owned = max(owned, excluded.owned),
  parent = min(parent, excluded.parent),
  via = CASE excluded.via WHEN 'rsync' THEN 'rsync' ELSE via END`;

export function insertAll({ sql }: Connection, entries: Iterable<FileEntry & Selected>) {
  const insert = sql(insertText);
  for (const entry of entries) insert.run(...Object.values<Row[string]>(plainRow(entry)));
}

/** What is below a path sorts between the path with "/" and the path with the next byte, "0". */
export function ownAll({ sql }: Connection, paths: Iterable<Buffer>) {
  const update = sql("UPDATE entries SET owned = 1 WHERE path = ? OR (path > ? AND path < ?)");
  for (const path of paths) {
    const below = Buffer.concat([path, Buffer.from("/")]);
    const beyond = Buffer.concat([path, Buffer.from("0")]);
    update.run(path, below, beyond);
  }
}

/** So many paths stand in one statement. */
const together = 200;

/** What becomes the same of many is written by few statements. */
export function updateAll(
  connection: Connection,
  changes: Iterable<{ path: Buffer; outcome: Partial<Outcome> }>,
) {
  for (const { row, paths } of alike(changes)) {
    for (let at = 0; at < paths.length; at += together) {
      updateSome(connection, row, paths.slice(at, at + together));
    }
  }
}

function updateSome({ sql }: Connection, row: Row, paths: readonly Buffer[]) {
  const sets = Object.keys(row).map((name) => `${name} = ?`);
  // Few numbers of paths, so that few statements are made.
  const isFull = paths.length === together;
  const places = isFull ? Array(together).fill("?").join(", ") : "?";
  const update = sql(`UPDATE entries SET ${sets.join(", ")} WHERE path IN (${places})`);
  const values = Object.values(row);
  if (isFull) update.run(...values, ...paths);
  else for (const path of paths) update.run(...values, path);
}

interface Alike {
  row: Row;
  paths: Buffer[];
}

function alike(changes: Iterable<{ path: Buffer; outcome: Partial<Outcome> }>): Iterable<Alike> {
  const groups = new Map<string, Alike>();
  const known = new Map<Partial<Outcome>, Alike>();
  for (const { path, outcome } of changes) {
    const group = known.get(outcome) ?? groupOf(rowOf(outcome), groups);
    known.set(outcome, group);
    group.paths.push(path);
  }
  return [...groups.values()].filter(({ row }) => Object.keys(row).length > 0);
}

function groupOf(row: Row, groups: Map<string, Alike>): Alike {
  let key = "";
  for (const name in row) key += `${name}=${row[name]}\0`;
  const group = groups.get(key) ?? { row, paths: [] };
  groups.set(key, group);
  return group;
}

export function insertMissing(
  { sql }: Connection,
  paths: Iterable<{ path: Buffer; reason: string }>,
) {
  const insert = sql("INSERT OR REPLACE INTO missing VALUES (?, ?)");
  for (const { path, reason } of paths) insert.run(path, reason);
}
