import { noVerdicts, type Verdict } from "../core/verdict.ts";
import type { Connection } from "./inventory-connection.ts";
import type { EntryFilter, InventoryEntry } from "./inventory-entry.ts";
import { bytesOf, type EntryRow, entryColumns, entryOf } from "./inventory-schema.ts";

const pageSize = 2000;
const sizeOfFile = "CASE type WHEN 'f' THEN size ELSE 0 END";
const allocatedOfFile = "CASE type WHEN 'f' THEN allocated ELSE 0 END";
const hasLinks = "nlink > 1 AND type <> 'd'";

export function readEntry({ rows }: Connection, path: Buffer): InventoryEntry | undefined {
  const [row] = rows(`SELECT ${entryColumns} FROM entries WHERE path = ?`).all(path);
  return row === undefined ? undefined : entryOf(row as unknown as EntryRow);
}

function readEntries(rows: unknown): InventoryEntry[] {
  return (rows as EntryRow[]).map(entryOf);
}

export function* readPages({ rows }: Connection, filter: EntryFilter) {
  const where = `path > ? ${conditions(filter)}`;
  const select = rows(
    `SELECT ${entryColumns} FROM entries WHERE ${where} ORDER BY path LIMIT ${pageSize}`,
  );
  let last: Uint8Array = Buffer.alloc(0);
  for (;;) {
    const page = readEntries(select.all(last));
    const end = page.at(-1);
    if (end === undefined) return;
    yield page;
    last = end.path;
  }
}

export function* readPaths({ rows }: Connection, filter: EntryFilter) {
  const where = `path > ? ${conditions(filter)}`;
  const select = rows(`SELECT path FROM entries WHERE ${where} ORDER BY path LIMIT ${pageSize}`);
  let last: Uint8Array = Buffer.alloc(0);
  for (;;) {
    const page = (select.all(last) as unknown as [Uint8Array][]).map(([path]) => bytesOf(path));
    const end = page.at(-1);
    if (end === undefined) return;
    yield page;
    last = end;
  }
}

export function* readLinkGroups({ sql, rows }: Connection) {
  let last: [bigint, bigint] = [-(2n ** 63n), -(2n ** 63n)];
  const next = sql(
    `SELECT dev, ino FROM entries WHERE ${hasLinks} AND (dev, ino) > (?, ?) ORDER BY dev, ino LIMIT 1`,
  );
  const names = rows(
    `SELECT ${entryColumns} FROM entries WHERE ${hasLinks} AND dev = ? AND ino = ? ORDER BY path`,
  );
  for (;;) {
    const key = next.get(...last) as { dev: bigint; ino: bigint } | undefined;
    if (key === undefined) return;
    last = [key.dev, key.ino];
    yield readEntries(names.all(...last));
  }
}

export function readMissing({ sql }: Connection) {
  const rows = sql("SELECT path, reason FROM missing ORDER BY path").all();
  return (rows as unknown as { path: Uint8Array; reason: string }[]).map(({ path, reason }) => ({
    path: Buffer.from(path),
    reason,
  }));
}

export function readNote({ sql }: Connection, name: string): string | undefined {
  const row = sql("SELECT value FROM notes WHERE name = ?").get(name);
  return (row as { value: string } | undefined)?.value;
}

export function countEntries({ sql }: Connection, filter: EntryFilter) {
  const row = sql(
    `SELECT count(*) files, coalesce(sum(${sizeOfFile}), 0) bytes,
     coalesce(sum(${allocatedOfFile}), 0) allocated FROM entries WHERE 1 ${conditions(filter)}`,
  ).get() as Record<"files" | "bytes" | "allocated", bigint>;
  const { files, bytes, allocated } = row;
  return { files: Number(files), bytes: Number(bytes), allocated: Number(allocated) };
}

export function countVerdicts({ sql }: Connection) {
  const counts = noVerdicts();
  const bytes = noVerdicts();
  const rows = sql(
    `SELECT verdict, count(*) files, sum(${sizeOfFile}) bytes FROM entries
     WHERE verdict IS NOT NULL GROUP BY verdict`,
  ).all();
  for (const row of rows as unknown as { verdict: Verdict; files: bigint; bytes: bigint }[]) {
    counts[row.verdict] = Number(row.files);
    bytes[row.verdict] = Number(row.bytes);
  }
  return { counts, bytes };
}

function conditions({ send, verdicts, type, via, pending, verified }: EntryFilter): string {
  const parts: string[] = [];
  if (send === "any") parts.push("AND send <> 'no'");
  else if (send !== undefined) parts.push(`AND send = '${send}'`);
  if (type !== undefined) parts.push(`AND type = '${type}'`);
  if (via !== undefined) parts.push(`AND via = '${via}'`);
  if (pending !== undefined) parts.push(`AND done = ${pending ? 0 : 1}`);
  if (verified !== undefined) parts.push(`AND verified = ${Number(verified)}`);
  if (verdicts !== undefined) {
    parts.push(`AND verdict IN (${verdicts.map((verdict) => `'${verdict}'`).join(", ")})`);
  }
  return parts.join(" ");
}
