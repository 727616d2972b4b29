import { bsonTypes, documentsOf, packValue, type RawValue, rawField } from "../mongo/bson-walk.ts";
import type { CollectionSelection, SourceDatabase } from "../mongo/database.ts";

/** The fields of one document that must be known to find its files and what it refers to. */
export type Row = ReadonlyMap<string, RawValue>;

/** Reads the named fields of the selected documents. */
export async function readRows(
  source: SourceDatabase,
  selection: CollectionSelection,
  fields: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Row[]> {
  const rows: Row[] = [];
  const projection = Object.fromEntries([...fields, "_id"].map((field) => [field, 1]));
  const options = { projection, ...(signal ? { signal } : {}) };
  for await (const batch of source.read(selection, options)) {
    for (const document of documentsOf(batch)) rows.push(rowOf(document, fields));
  }
  return rows;
}

/** Copies the values, so that the batch they came in can be freed. */
function rowOf(document: Buffer, fields: readonly string[]): Row {
  const row = new Map<string, RawValue>();
  for (const field of fields) {
    const value = rawField(document, field);
    if (value !== undefined) row.set(field, { type: value.type, bytes: Buffer.from(value.bytes) });
  }
  return row;
}

export function* idsOf(rows: readonly Row[]): Generator<RawValue> {
  for (const row of rows) {
    const id = row.get("_id");
    if (id !== undefined && id.type !== bsonTypes.undefined) yield id;
  }
}

/** The ids of the documents that any of the filters finds, each once. */
export async function existingIds(
  source: SourceDatabase,
  collection: string,
  filters: Buffer[],
  signal: AbortSignal | undefined,
): Promise<RawValue[]> {
  const rows: Row[] = [];
  for (const filter of filters) {
    rows.push(...(await readRows(source, { collection, filters: [filter] }, ["_id"], signal)));
  }
  const byKey = new Map([...idsOf(rows)].map((id) => [keyOf(id), id]));
  return [...byKey.values()];
}

export function keysOf(rows: readonly Row[]): Set<string> {
  return new Set([...idsOf(rows)].map(keyOf));
}

/** An id as a key of a map; equal only for the same type and bytes. */
export function keyOf(value: RawValue): string {
  return packValue(value).toString("latin1");
}
