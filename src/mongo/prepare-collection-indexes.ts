import { BSON, type Document } from "mongodb";
import { withoutVersion } from "./prepare-collection-options.ts";

/** Attributes of an index that old servers wrote and that mean nothing any more. */
const obsoleteAttributes: ReadonlySet<string> = new Set([
  "v",
  "ns",
  "background",
  "dropDups",
  "safe",
  "bucketSize",
]);

/** The index on `_id` comes with its collection. */
export function isIdIndex(index: Document): boolean {
  return index["name"] === "_id_" || (keysOf(index).join() === "_id" && !isHashed(index));
}

function isHashed(index: Document): boolean {
  return index["key"]?.["_id"] === "hashed";
}

function keysOf(index: Document): string[] {
  return Object.keys(index["key"] ?? {});
}

/** An index as `createIndexes` takes it. */
export function creatableIndex(index: Document): Document {
  const kept: Document = {};
  for (const [name, value] of Object.entries(index)) {
    if (!obsoleteAttributes.has(name)) kept[name] = value;
  }
  kept["key"] = modernKey(index["key"] ?? {});
  if (index["collation"] !== undefined) kept["collation"] = withoutVersion(index["collation"]);
  return kept;
}

/** Before 3.4 a key's value could be anything: what was not a number meant ascending. */
function modernKey(key: Document): Document {
  const entries = Object.entries(key).map(([field, value]): [string, unknown] => {
    if (typeof value === "string" && value !== "") return [field, value];
    return [field, typeof value !== "boolean" && Number(value) ? value : 1];
  });
  return new Map(entries) as unknown as Document;
}

export function isTtlIndex(index: Document): boolean {
  return index["expireAfterSeconds"] !== undefined;
}

/** The text by which two indexes are equal, whatever server listed them. */
export function indexText(index: Document): string {
  const { key, ...rest } = creatableIndex(index);
  const attributes = Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1));
  const keys = [...(key as Map<string, unknown>)].map(([field, value]) => [field, plain(value)]);
  return BSON.EJSON.stringify({ key: keys, attributes: plain(attributes) });
}

/** 1 and 1.0 are the same to an index. */
function plain(value: unknown): unknown {
  return BSON.EJSON.parse(BSON.EJSON.stringify({ value }, { relaxed: true }))["value"];
}
