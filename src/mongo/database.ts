import type { Document } from "mongodb";
import type { RawBatch, RawValue } from "./bson-walk.ts";

/** What a server tells of itself, read at the connection. */
export interface ServerFacts {
  version: string;
  maxWireVersion: number;
  /** Changes with each start of the server process; absent before 4.4. */
  processId?: string;
  setName?: string;
  featureCompatibilityVersion?: string;
  /** Which driver talks to it: the current one, or the one for servers before 4.2. */
  driver: "current" | "legacy";
}

export type CollectionType = "collection" | "view" | "timeseries";

/** A collection as `listCollections` tells; `options` keeps every BSON type. */
export interface CollectionSpec {
  name: string;
  type: CollectionType;
  options: Document;
  /** Globally unique; tells two databases apart that look alike. */
  uuid?: string;
}

/**
 * Which documents of one collection are taken: those that match any of `filters` (each a raw BSON
 * query; no document matches two of them), or all of them when there is none.
 */
export interface CollectionSelection {
  collection: string;
  filters: Buffer[];
}

export interface CollectionSize {
  documents: number;
  /** Uncompressed bytes of the documents. */
  bytes: number;
}

/** A database that is read from. Both drivers stand behind it. */
export interface SourceDatabase {
  readonly name: string;
  readonly facts: ServerFacts;
  collections(): Promise<CollectionSpec[]>;
  /** As `listIndexes` tells, with `collation: {locale: "simple"}` filled in where it is left out
   * although the collection has another default. */
  indexes(collection: string): Promise<Document[]>;
  /** Numbers from the server's own statistics: an estimate after an unclean shutdown. */
  size(collection: string): Promise<CollectionSize>;
  /** The exact number of documents that match. */
  count(selection: CollectionSelection): Promise<number>;
  /** The documents in batches of a few MiB; each is the caller's to keep. */
  read(selection: CollectionSelection, options?: ReadOptions): AsyncIterable<RawBatch>;
  /** Whether `read` can begin at this id: an old driver cannot send every value as it is. */
  canReadFrom(id: RawValue): boolean;
  close(): Promise<void>;
}

export interface ReadOptions {
  signal?: AbortSignal;
  /** Fields to fetch (`{_id: 1, owner: 1}`); whole documents when absent. */
  projection?: Document;
  /**
   * In the order of `_id`, whatever types it has, rather than the collection's own; beginning at
   * this id where there is one. Takes an index on `_id` of the query's collation.
   */
  byId?: { from?: RawValue };
}

/** Why the server did not take one document of an insert. */
export interface WriteFailure {
  /** Position within the batch. */
  index: number;
  code: number;
  message: string;
  /** For code 11000: the fields of the index that it clashed on. */
  keyPattern?: Document;
}

export interface InsertResult {
  inserted: number;
  failures: WriteFailure[];
}

/** A database that is also written to. Every write is acknowledged with `w: "majority", j: true`. */
export interface DestinationDatabase extends SourceDatabase {
  create(spec: CollectionSpec): Promise<void>;
  createIndexes(collection: string, indexes: readonly Document[]): Promise<void>;
  /** Inserts the bytes as they are, unordered. At most 2,000 documents and about 4 MB a call. */
  insert(collection: string, batch: RawBatch): Promise<InsertResult>;
  /** The whole documents of these ids (type byte and value bytes each), in any order. */
  find(collection: string, ids: readonly Buffer[]): Promise<RawBatch>;
  /** Replaces a document by these bytes if the destination's is still exactly `expected`; false
   * if it is not. */
  replace(collection: string, expected: Buffer, replacement: Buffer): Promise<boolean>;
  /** Removes a document if the destination's is still exactly `expected`; false if it is not. */
  remove(collection: string, expected: Buffer): Promise<boolean>;
  /** Removes a collection or view with all that it holds; whether it is empty is not asked. */
  drop(collection: string): Promise<void>;
  /** Waits until all earlier writes are durable, also those whose acknowledgement was lost. */
  flush(collection: string): Promise<void>;
}

/** How to reach a database: the URI stays in its file, so that no document ever holds it. */
export interface DatabaseRef {
  uriFile: string;
  database: string;
}
