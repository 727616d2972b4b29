import type { Document } from "mongodb";
import type { CollectionSpec } from "./database.ts";

/** Options of old servers and storage engines that say nothing about the data. */
const obsoleteOptions: ReadonlySet<string> = new Set([
  "autoIndexId",
  "flags",
  "usePowerOf2Sizes",
  "paddingFactor",
  "paddingBytes",
  "nPreallocate",
  "$nExtents",
  "storageEngine",
  "indexOptionDefaults",
  "temp",
  "create",
]);

/** What the server makes itself, or that belongs to one collection's life. */
const ownOptions: ReadonlySet<string> = new Set(["uuid", "idIndex", "encryptedFields"]);

/** The options that `create` gets, and the names of those that today's servers refuse. */
export function creatableOptions({ options }: CollectionSpec) {
  const kept: Document = {};
  const dropped: string[] = [];
  for (const [name, value] of Object.entries(options)) {
    if (obsoleteOptions.has(name)) dropped.push(name);
    else if (name === "collation") kept[name] = withoutVersion(value);
    else if (!ownOptions.has(name)) kept[name] = value;
  }
  return { options: kept, dropped };
}

/** A collation's version is that of the server's own library; another server refuses it. */
export function withoutVersion(collation: Document): Document {
  const { version: _, ...rest } = collation;
  return rest;
}

/** The options by which two collections are compared. */
export function comparableOptions(spec: CollectionSpec): Document {
  return creatableOptions(spec).options;
}
