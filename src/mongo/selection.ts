import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "../core/atomic-file.ts";
import { MigrationError } from "../core/errors.ts";
import { arrayValue, buildDocument, documentValue, element, stringValue } from "./bson-build.ts";
import {
  bsonTypes,
  documentsOf,
  elementsOf,
  packValue,
  type RawValue,
  rawField,
} from "./bson-walk.ts";
import type { CollectionSelection } from "./database.ts";

/** A query must stay clear of the server's 16 MiB together with the command around it. */
const maxFilterBytes = 8 * 1024 * 1024;

/**
 * Writes an item's selection: a BSON file of one document per collection without filters, or one
 * per filter of a collection, in order.
 */
export async function writeSelection(path: string, selections: readonly CollectionSelection[]) {
  const documents = selections.flatMap(({ collection, filters }) => {
    const name = element("collection", stringValue(collection));
    if (filters.length === 0) return [buildDocument([name])];
    return filters.map((filter) => buildDocument([name, element("filter", documentValue(filter))]));
  });
  await writeFileAtomic(path, Buffer.concat(documents));
}

/** Reads what `writeSelection` wrote. */
export async function readSelection(path: string): Promise<CollectionSelection[]> {
  const data = await readFile(path);
  const selections = new Map<string, CollectionSelection>();
  for (const document of documentsOf({ data, count: 0 })) {
    const name = textOf(rawField(document, "collection"));
    if (name === undefined) throw malformed(path);
    const selection = selections.get(name) ?? { collection: name, filters: [] };
    const filter = rawField(document, "filter");
    if (filter !== undefined) selection.filters.push(filter.bytes);
    else if (selections.has(name)) throw malformed(path);
    selections.set(name, selection);
  }
  return [...selections.values()];
}

/**
 * The filter `{field: {$eq: value}}`. The server's own sense of equality counts: 5 equals 5.0, null
 * finds missing fields as well, and an array matches through each of its elements.
 */
export function equals(field: string, value: RawValue): Buffer {
  refuseUndefined(field, value);
  const condition = buildDocument([element("$eq", value)]);
  return buildDocument([element(field, documentValue(condition))]);
}

/**
 * Filters that together find every document whose `field` is one of `values`, each filter small
 * enough for a command. As long as `field` holds no arrays, no document matches two of them.
 */
export function anyOf(field: string, values: Iterable<RawValue>): Buffer[] {
  const filters: Buffer[] = [];
  let chunk: RawValue[] = [];
  let bytes = 0;
  for (const value of distinct(values)) {
    refuseUndefined(field, value);
    if (value.type === bsonTypes.regex) {
      // Within $in a regular expression is a pattern, not a value.
      filters.push(equals(field, value));
      continue;
    }
    if (bytes + value.bytes.length > maxFilterBytes && chunk.length > 0) {
      filters.push(within(field, chunk));
      chunk = [];
      bytes = 0;
    }
    chunk.push(value);
    bytes += value.bytes.length + 12;
  }
  if (chunk.length > 0) filters.push(within(field, chunk));
  return filters;
}

/** What `filter` finds and none of `others` does. */
export function except(filter: Buffer, others: readonly Buffer[]): Buffer {
  if (others.length === 0) return filter;
  const none = buildDocument([element("$nor", arrayValue(others.map(documentValue)))]);
  return buildDocument([element("$and", arrayValue([filter, none].map(documentValue)))]);
}

/** The undecoded value of a top-level field of a raw document. */
export function extractField(document: Buffer, field: string): RawValue | undefined {
  return rawField(document, field);
}

/** The text of a string value; undefined for any other type. */
export function textOf(value: RawValue | undefined): string | undefined {
  if (value?.type !== bsonTypes.string) return undefined;
  return value.bytes.subarray(4, -1).toString("utf8");
}

/** A filter in a few words for a report, without its values: `owner`, `dataset_id (1204 values)`. */
export function describeFilter(filter: Buffer): string {
  const parts: string[] = [];
  for (const { key, type, bytes } of elementsOf(filter)) {
    const list = type === bsonTypes.document ? rawField(bytes, "$in") : undefined;
    const count = list === undefined ? undefined : [...elementsOf(list.bytes)].length;
    parts.push(count === undefined ? key.toString() : `${key} (${count} values)`);
  }
  return parts.join(", ");
}

function within(field: string, values: readonly RawValue[]): Buffer {
  const condition = buildDocument([element("$in", arrayValue(values))]);
  return buildDocument([element(field, documentValue(condition))]);
}

/** Numbers of different types that are equal count as one: they would match in two filters. */
function* distinct(values: Iterable<RawValue>): Generator<RawValue> {
  const seen = new Set<string>();
  for (const value of values) {
    const mark = numberMark(value) ?? packValue(value).toString("latin1");
    if (!seen.has(mark)) yield value;
    seen.add(mark);
  }
}

function numberMark({ type, bytes }: RawValue): string | undefined {
  if (type === bsonTypes.int32) return `n${bytes.readInt32LE()}`;
  if (type === bsonTypes.int64) return `n${bytes.readBigInt64LE()}`;
  if (type !== bsonTypes.double) return undefined;
  const number = bytes.readDoubleLE();
  return Number.isInteger(number) ? `n${BigInt(number)}` : undefined;
}

function refuseUndefined(field: string, value: RawValue) {
  if (value.type !== bsonTypes.undefined) return;
  throw new MigrationError("E_SCOPE", `Cannot select documents by an undefined "${field}"`, {
    hint: "MongoDB has no query for that deprecated type; select the documents by another field",
  });
}

function malformed(path: string): MigrationError {
  return new MigrationError("E_INTEGRITY", `The selection "${path}" is malformed`, {
    hint: "Run the inventory step again with --rerun",
  });
}
