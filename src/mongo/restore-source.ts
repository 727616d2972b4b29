import type { Document } from "mongodb";
import type { RawBatch } from "./bson-walk.ts";
import type { CollectionSpec } from "./database.ts";
import { bucketsOf } from "./source-catalog.ts";

/** What a restore reads: an archive that was checked, or anything else with the same contents. */
export interface RestoreSource {
  /** Tells one archive from another, for going on after an interruption. */
  fingerprint: string;
  collections: readonly SourceCollection[];
  /**
   * Of an archive that is still made: each collection as soon as it can be read, which `collections`
   * has from then on too. Once it ended, `fingerprint` is that of the archive as it became.
   */
  arriving?(): AsyncIterable<SourceCollection>;
  /** The documents of one collection in their order. */
  read(collection: SourceCollection): AsyncIterable<RawBatch>;
}

export interface SourceCollection {
  spec: CollectionSpec;
  indexes: readonly Document[];
  documents: number;
  bytes: number;
}

/** The collection that holds the documents: that of a time series is not the one of its name. */
export function dataCollection({ spec }: SourceCollection): string {
  return spec.type === "timeseries" ? bucketsOf(spec.name) : spec.name;
}
