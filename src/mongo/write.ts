import { BSON, type Document, ObjectId } from "mongodb";
import { documentsOf, type RawBatch, unpackValue } from "./bson-walk.ts";
import type { DestinationDatabase, InsertResult, WriteFailure } from "./database.ts";
import { loadRawSequences } from "./document-sequence.ts";
import { RawDocument } from "./raw-document.ts";
import { readCursor } from "./read-cursor.ts";
import { anyOf } from "./selection.ts";
import { exactTypes } from "./source-catalog.ts";
import type { CurrentConnection } from "./source-current.ts";
import { removeExactly } from "./write-remove.ts";
import { replaceExactly } from "./write-replace.ts";
import {
  durable,
  replyOptions,
  type WriteSettings,
  withValidation,
  writeFlags,
} from "./write-settings.ts";
import { knowsEmptyTimestamps } from "./write-version.ts";

const defaultReplyMs = 120_000;

/** The writing half of a destination. */
export type Writer = Pick<
  DestinationDatabase,
  "create" | "createIndexes" | "insert" | "find" | "replace" | "remove" | "drop" | "flush"
> & {
  /** False where documents go through the driver's types, which changes the oddest of them. */
  readonly lossless: boolean;
};

/**
 * Writes raw BSON, acknowledged by the majority's journals. Server errors come as the driver throws
 * them, so that the caller can class them by code.
 */
export function makeWriter(connection: CurrentConnection, replyMs = defaultReplyMs): Writer {
  const { db, facts } = connection;
  const settings: WriteSettings = {
    bypassValidation: true,
    keepEmptyTimestamps: knowsEmptyTimestamps(facts.version),
    sequences: loadRawSequences(),
    replyMs,
  };
  return {
    lossless: settings.sequences !== undefined,
    async create({ name, options }) {
      await db.command({ create: name, ...options, writeConcern: durable.writeConcern });
    },
    async createIndexes(collection, indexes) {
      if (indexes.length === 0) return;
      await db.command({ createIndexes: collection, indexes: [...indexes] });
    },
    insert: (collection, batch) => insert(connection, settings, { collection, batch }),
    find: (collection, ids) => find(connection, collection, ids),
    replace: (collection, expected, replacement) =>
      withValidation(settings, () =>
        replaceExactly(connection, settings, { collection, expected, replacement }),
      ),
    remove: (collection, expected) =>
      removeExactly(connection, settings, { collection, expected }, (batch) =>
        insert(connection, settings, { collection, batch }),
      ),
    async drop(collection) {
      await db.command({ drop: collection, writeConcern: durable.writeConcern });
    },
    flush: (collection) => flush(connection, settings, collection),
  };
}

interface Insertion {
  collection: string;
  batch: RawBatch;
}

function insert(connection: CurrentConnection, settings: WriteSettings, insertion: Insertion) {
  return withValidation(settings, async () => {
    const { collection, batch } = insertion;
    const command = {
      insert: collection,
      ordered: false,
      ...durable,
      ...writeFlags(settings),
      documents: settings.sequences?.make("documents", batch.data) ?? decoded(batch),
    };
    const reply = await connection.db.command(command, replyOptions(settings));
    return toInsertResult(reply);
  });
}

function decoded(batch: RawBatch): Document[] {
  return [...documentsOf(batch)].map((document) => BSON.deserialize(document, exactTypes));
}

function toInsertResult(reply: Document): InsertResult {
  const errors: unknown = reply["writeErrors"];
  const failures = Array.isArray(errors) ? errors.map(toFailure) : [];
  return { inserted: Number(reply["n"]), failures };
}

function toFailure(error: Document): WriteFailure {
  const pattern: unknown = error["keyPattern"];
  return {
    index: Number(error["index"]),
    code: Number(error["code"]),
    message: String(error["errmsg"] ?? ""),
    ...(typeof pattern === "object" && pattern !== null ? { keyPattern: pattern } : {}),
  };
}

/** With the collection's own collation, so that the index on `_id` serves: more may come back than
 * was asked for, and the caller tells by the bytes. */
async function find(connection: CurrentConnection, collection: string, ids: readonly Buffer[]) {
  const { client, db } = connection;
  const found: RawBatch = { data: Buffer.alloc(0), count: 0 };
  const parts: Buffer[] = [];
  for (const filter of anyOf("_id", ids.map(unpackValue))) {
    const command = {
      find: collection,
      filter: new RawDocument("filter", filter),
      batchSize: ids.length + 1,
    };
    for await (const batch of readCursor({ client, db, command })) {
      parts.push(batch.data);
      found.count += batch.count;
    }
  }
  found.data = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  return found;
}

/** A write that finds nothing to change still waits for all that came before it. */
async function flush({ db }: CurrentConnection, settings: WriteSettings, collection: string) {
  const nothing = { q: { _id: new ObjectId() }, u: { $set: { flushed: true } } };
  await db.command({ update: collection, updates: [nothing], ...durable }, replyOptions(settings));
}
