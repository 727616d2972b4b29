import type { Db, Document, MongoClient } from "mongodb";
import { codeOf } from "../core/errors.ts";
import { documentsOf } from "./bson-walk.ts";
import type {
  CollectionSelection,
  CollectionSize,
  ReadOptions,
  ServerFacts,
  SourceDatabase,
} from "./database.ts";
import { RawDocument } from "./raw-document.ts";
import { batchSizeFor } from "./read-batch-size.ts";
import { defaultReplyMs, readCursor } from "./read-cursor.ts";
import { queriesOf } from "./read-queries.ts";
import { completeIndexes, toCollectionSpecs } from "./source-catalog.ts";
import { stopReason, toFailure } from "./source-failure.ts";

/** An open connection by the current driver. */
export interface CurrentConnection {
  client: MongoClient;
  db: Db;
  facts: ServerFacts;
  /** For messages: without credentials. */
  hosts: string;
  /** How many milliseconds one reply may take, where the usual time is too long. */
  readMs?: number | undefined;
}

/** Everything of a database that reads; a destination is this and its writing half. */
export function makeReader(connection: CurrentConnection): SourceDatabase {
  const { client, db, facts } = connection;
  return {
    name: db.databaseName,
    facts,
    collections: () =>
      orFail(connection, "list the collections", async () =>
        toCollectionSpecs(await catalog(connection, { listCollections: 1, cursor: {} })),
      ),
    indexes: (collection) =>
      orFail(connection, `list the indexes of "${collection}"`, () =>
        readIndexes(connection, collection),
      ),
    size: (collection) =>
      orFail(connection, `read the size of "${collection}"`, () =>
        readSize(inTime(connection), collection),
      ),
    count: (selection) =>
      orFail(connection, `count "${selection.collection}"`, () =>
        count(inTime(connection), selection),
      ),
    read: (selection, options) => readSelected(connection, selection, options),
    canReadFrom: () => true,
    close: () => client.close(),
  };
}

/** Codes for "there is no such collection" and "that is a view": neither has indexes or a size. */
const nothingThere = new Set<unknown>([26, 166]);

async function readIndexes(connection: CurrentConnection, collection: string) {
  try {
    const indexes = await catalog(connection, { listIndexes: collection, cursor: {} });
    const command = { listCollections: 1, filter: { name: collection }, cursor: {} };
    const [spec] = toCollectionSpecs(await catalog(connection, command));
    return completeIndexes(indexes, spec?.options ?? {});
  } catch (error) {
    if (nothingThere.has(codeOf(error))) return [];
    throw error;
  }
}

async function catalog(
  { client, db, readMs }: CurrentConnection,
  command: Document,
): Promise<Buffer[]> {
  const documents: Buffer[] = [];
  for await (const batch of readCursor({ client, db, command, replyMs: readMs })) {
    documents.push(...documentsOf(batch));
  }
  return documents;
}

interface Commands {
  command(command: Document): Promise<Document>;
}

/** The database's commands, none of which is waited for longer than for a read. */
function inTime({ db, readMs = defaultReplyMs }: CurrentConnection): Commands {
  return {
    command: (command) => db.command(command, { signal: AbortSignal.timeout(readMs) }),
  };
}

export async function readSize(db: Commands, collection: string): Promise<CollectionSize> {
  try {
    const stats = await db.command({ collStats: collection });
    return { documents: Number(stats["count"]), bytes: Number(stats["size"]) };
  } catch (error) {
    if (nothingThere.has(codeOf(error))) return { documents: 0, bytes: 0 };
    throw error;
  }
}

async function count(db: Commands, { collection, filters }: CollectionSelection): Promise<number> {
  let total = 0;
  for (const filter of filters.length === 0 ? [undefined] : filters) {
    const match = filter === undefined ? {} : new RawDocument("$match", filter);
    const pipeline = [{ $match: match }, { $group: { _id: 1, n: { $sum: 1 } } }];
    const reply = await db.command({
      aggregate: collection,
      pipeline,
      cursor: {},
      ...exactly(filter),
    });
    total += Number(reply["cursor"].firstBatch[0]?.n ?? 0);
  }
  return total;
}

/** Values select byte for byte, also in a collection whose default collation ignores case. */
function exactly(filter: Buffer | undefined): Document {
  return filter === undefined ? {} : { collation: { locale: "simple" } };
}

async function* readSelected(
  connection: CurrentConnection,
  selection: CollectionSelection,
  options: ReadOptions = {},
) {
  const { client, db, hosts, readMs: replyMs } = connection;
  const { collection } = selection;
  const action = `read "${collection}"`;
  try {
    const batchSize = batchSizeFor(await readSize(inTime(connection), collection));
    for (const { filter, order, min } of queriesOf(selection, options.byId)) {
      const command = {
        find: collection,
        ...(filter === undefined ? {} : { filter: new RawDocument("filter", filter) }),
        ...(options.projection === undefined ? {} : { projection: options.projection }),
        ...order,
        ...(min === undefined ? {} : { min: new RawDocument("min", min) }),
        ...exactly(filter),
        batchSize,
      };
      yield* readCursor({ client, db, command, batchSize, replyMs, signal: options.signal });
    }
  } catch (error) {
    throw toFailure(stopReason(options.signal) ?? error, { hosts, action });
  }
}

async function orFail<T>(
  { hosts }: CurrentConnection,
  action: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toFailure(error, { hosts, action });
  }
}
