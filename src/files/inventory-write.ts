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

export function updateAll(
  { sql }: Connection,
  changes: Iterable<{ path: Buffer; outcome: Partial<Outcome> }>,
) {
  for (const { path, outcome } of changes) {
    const row = rowOf(outcome);
    const names = Object.keys(row);
    if (names.length === 0) continue;
    const sets = names.map((name) => `${name} = ?`).join(", ");
    sql(`UPDATE entries SET ${sets} WHERE path = ?`).run(...Object.values(row), path);
  }
}

export function insertMissing(
  { sql }: Connection,
  paths: Iterable<{ path: Buffer; reason: string }>,
) {
  const insert = sql("INSERT OR REPLACE INTO missing VALUES (?, ?)");
  for (const { path, reason } of paths) insert.run(path, reason);
}
