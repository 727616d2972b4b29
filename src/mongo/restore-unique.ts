import type { Document } from "mongodb";
import { buildDocument, documentValue, element } from "./bson-build.ts";
import { bsonTypes, documentsOf, type RawValue, rawField, rawId } from "./bson-walk.ts";
import type { DestinationDatabase } from "./database.ts";
import type { Candidate } from "./restore-candidate.ts";

/** A unique index other than the one on `_id`. */
export interface UniqueIndex {
  name: string;
  fields: string[];
}

export function uniqueIndexes(indexes: readonly Document[]): UniqueIndex[] {
  return indexes
    .filter((index) => index["unique"] && index["name"] !== "_id_")
    .map((index) => ({ name: String(index["name"]), fields: Object.keys(index["key"]) }));
}

export interface Place {
  collection: string;
  destination: Pick<DestinationDatabase, "read">;
}

/**
 * The packed id of another document that has the candidate's key of a unique index. Not found are
 * keys within arrays, and keys that are equal only under the index's collation.
 */
export async function findHolder(
  candidate: Candidate,
  index: UniqueIndex,
  { collection, destination }: Place,
): Promise<Buffer | undefined> {
  const filter = keyFilter(candidate.bytes, index);
  if (filter === undefined) return undefined;
  const found = destination.read({ collection, filters: [filter] }, { projection: { _id: 1 } });
  for await (const batch of found) {
    for (const document of documentsOf(batch)) {
      const id = rawId(document);
      if (!id.equals(candidate.id)) return id;
    }
  }
  return undefined;
}

/** `{a: {$eq: …}, "b.c": {$eq: …}}`; undefined where a query cannot stand for the index's key. */
export function keyFilter(document: Buffer, index: UniqueIndex): Buffer | undefined {
  const conditions = [];
  for (const field of index.fields) {
    const value = valueAt(document, field.split("."));
    if (value.type === bsonTypes.array || value.type === bsonTypes.undefined) return undefined;
    const equal = buildDocument([element("$eq", value)]);
    conditions.push(element(field, documentValue(equal)));
  }
  return buildDocument(conditions);
}

/** An index holds null for what a document does not have. */
function valueAt(document: Buffer, path: readonly string[]): RawValue {
  const [first = "", ...rest] = path;
  const value = rawField(document, first);
  if (value === undefined) return { type: bsonTypes.null, bytes: Buffer.alloc(0) };
  if (rest.length === 0 || value.type === bsonTypes.array) return value;
  if (value.type === bsonTypes.document) return valueAt(value.bytes, rest);
  return { type: bsonTypes.null, bytes: Buffer.alloc(0) };
}
