import { BSON, type Document } from "mongodb";
import type { CollectionSpec, CollectionType } from "./database.ts";

/** Keeps every BSON type: `5.0` stays a double, a long stays a long. */
export const exactTypes = {
  promoteValues: false,
  promoteBuffers: false,
  bsonRegExp: true,
} as const;

/** Time series data lies in this collection; the one of the plain name is a view on it. */
export function bucketsOf(timeseries: string): string {
  return `system.buckets.${timeseries}`;
}

function decode(document: Buffer): Document {
  return BSON.deserialize(document, exactTypes);
}

/** What `listCollections` said, without the collections that are the server's own, or locks of ours. */
export function toCollectionSpecs(documents: Iterable<Buffer>): CollectionSpec[] {
  const specs: CollectionSpec[] = [];
  for (const raw of documents) {
    const { name, type, options, info } = decode(raw);
    if (typeof name !== "string" || isInternal(name)) continue;
    specs.push({ name, type: typeOf(type), options: options ?? {}, ...uuidOf(info) });
  }
  return specs.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What `listIndexes` said, completed. */
export function completeIndexes(indexes: Iterable<Buffer>, options: Document): Document[] {
  const completed: Document[] = [];
  for (const raw of indexes) completed.push(completeIndex(decode(raw), options));
  return completed;
}

/** Servers leave the simple collation out, where leaving it out means the collection's own. */
export function completeIndex(index: Document, options: Document): Document {
  const implied = options["collation"] !== undefined && index["collation"] === undefined;
  return implied ? { ...index, collation: { locale: "simple" } } : index;
}

/** What the names of our own collections begin with, which are there while somebody writes. */
export const lockPrefix = "migctl.lock.";

function isInternal(name: string): boolean {
  const isServers = (name.startsWith("system.") && name !== "system.js") || name.includes("$");
  return isServers || name.startsWith(lockPrefix);
}

/** Servers before 3.4 give no type: they have no views. */
function typeOf(type: unknown): CollectionType {
  return type === "view" || type === "timeseries" ? type : "collection";
}

function uuidOf(info: Document | undefined): { uuid?: string } {
  const uuid: unknown = info?.["uuid"];
  return uuid instanceof BSON.Binary ? { uuid: Buffer.from(uuid.buffer).toString("hex") } : {};
}
