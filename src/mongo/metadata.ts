import { createHash } from "node:crypto";
import { BSON, type Document } from "mongodb";
import { MigrationError } from "../core/errors.ts";
import { exactTypes } from "./source-catalog.ts";

/** A collection's metadata as mongodump's `<collection>.metadata.json` has it. */
export interface Metadata {
  options: Document;
  indexes: Document[];
  uuid?: string;
  collectionName: string;
  type: string;
}

/** mongodump's limit: 255 bytes of a file name less its longest ending. */
const mostNameBytes = 238;
const keptNameBytes = 208;

/** The metadata as canonical extended JSON, which mongorestore reads. */
export function metadataJson(metadata: Metadata): Buffer {
  const { options, indexes, uuid, collectionName, type } = metadata;
  const document = {
    ...(Object.keys(options).length > 0 ? { options } : {}),
    indexes,
    ...(uuid === undefined ? {} : { uuid }),
    collectionName,
    type,
  };
  return Buffer.from(BSON.EJSON.stringify(document, { relaxed: false }));
}

/** Reads a metadata file of mongodump; `name` is what the file's name says. */
export function parseMetadata(json: Buffer, name: string): Metadata {
  const parsed = parseJson(json, name);
  const { options, indexes, uuid, collectionName, type } = parsed;
  return {
    options: isDocument(options) ? options : {},
    indexes: Array.isArray(indexes) ? indexes.filter(isDocument) : [],
    ...(typeof uuid === "string" ? { uuid } : {}),
    collectionName: typeof collectionName === "string" ? collectionName : name,
    type: typeof type === "string" ? type : typeByOptions(options),
  };
}

/** The file name, without ending, that mongodump gives a collection. */
export function escapeCollectionName(name: string): string {
  const escaped = encodeURIComponent(name)
    .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
  if (escaped.length <= mostNameBytes) return escaped;
  const hash = createHash("sha1").update(name).digest("base64url");
  return `${escaped.slice(0, keptNameBytes)}%24${hash}`;
}

/** The collection of a file name of mongodump; undefined if it is not one. */
export function unescapeCollectionName(file: string): string | undefined {
  try {
    return decodeURIComponent(file.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

/** One document as base64 BSON: nothing is lost in it as in extended JSON. */
export function encodeExact(document: Document): string {
  return Buffer.from(BSON.serialize(document, { ignoreUndefined: false })).toString("base64");
}

/** `name` is the collection's, whose metadata is malformed (E_INTEGRITY) where this is no BSON. */
export function decodeExact(base64: string, name: string): Document {
  try {
    return BSON.deserialize(Buffer.from(base64, "base64"), exactTypes);
  } catch (error) {
    throw malformed(name, error);
  }
}

function parseJson(json: Buffer, name: string): Document {
  try {
    const parsed: unknown = BSON.EJSON.parse(json.toString("utf8"), { relaxed: false });
    if (isDocument(parsed)) return parsed;
  } catch (error) {
    throw malformed(name, error);
  }
  throw malformed(name);
}

/** Older dumps name no type. */
function typeByOptions(options: unknown): string {
  if (!isDocument(options)) return "collection";
  if (options["viewOn"] !== undefined) return "view";
  return options["timeseries"] === undefined ? "collection" : "timeseries";
}

function isDocument(value: unknown): value is Document {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(name: string, cause?: unknown): MigrationError {
  return new MigrationError("E_INTEGRITY", `The metadata of "${name}" is malformed`, {
    hint: "Make the backup again",
    ...(cause === undefined ? {} : { cause }),
  });
}
