import type { Document } from "mongodb";
import type { CollectionSpec } from "../database.ts";
import { decodeExact } from "../metadata.ts";
import type { Digest } from "./digest.ts";
import type { Manifest } from "./manifest.ts";

/** A collection within an archive. */
export interface ArchivedCollection extends CollectionSpec {
  indexes: Document[];
  /** The entry with its documents; a view has none. */
  entry?: string;
  documents: number;
  /** Unpacked bytes of the documents. */
  bytes: number;
  /** What was selected, in words; absent for the whole collection. */
  selected?: string[];
}

/** What an archive says that it holds. */
export interface Contents {
  database: string;
  collections: ArchivedCollection[];
  /** What each entry must be; empty until the check for an archive without manifest. */
  expected: Map<string, Digest>;
}

export function contentsOf(manifest: Manifest): Contents {
  const entries = manifest.entries.map(({ name, bytes, crc32, sha256 }): [string, Digest] => [
    name,
    { bytes, crc32: Number.parseInt(crc32, 16), sha256 },
  ]);
  return {
    database: manifest.database,
    collections: manifest.collections.map(toArchived),
    expected: new Map(entries),
  };
}

export function toArchived(collection: Manifest["collections"][number]): ArchivedCollection {
  const { name, type, uuid, entry, documents, bytes, selected } = collection;
  return {
    name,
    type,
    options: decodeExact(collection.options, name),
    indexes: collection.indexes.map((index) => decodeExact(index, name)),
    documents,
    bytes,
    ...(uuid === undefined ? {} : { uuid }),
    ...(entry === undefined ? {} : { entry }),
    ...(selected === undefined ? {} : { selected }),
  };
}
