import { BSON, type Document } from "mongodb";
import { MigrationError } from "../core/errors.ts";
import { idDocument } from "./bson-build.ts";
import { documentsOf, type RawBatch, rawField } from "./bson-walk.ts";
import type { CollectionSelection, ReadOptions, ServerFacts, SourceDatabase } from "./database.ts";
import { encodeLegacy, type LegacyClient, type LegacyDb } from "./legacy-driver.ts";
import { batchSizeFor } from "./read-batch-size.ts";
import { queriesOf } from "./read-queries.ts";
import { parseCursor } from "./read-reply.ts";
import { completeIndexes, exactTypes, toCollectionSpecs } from "./source-catalog.ts";
import { readSize } from "./source-current.ts";
import { stopReason, toFailure } from "./source-failure.ts";

export interface LegacyConnection {
  client: LegacyClient;
  db: LegacyDb;
  facts: ServerFacts;
  hosts: string;
}

/** The first wire version with the commands listCollections and listIndexes (3.0). */
const catalogWire = 3;
/** The first with collations (3.4). */
const collationWire = 5;
const batchBytes = 4 * 1024 * 1024;
const batchDocuments = 2000;
const wholeCatalog = 100_000;

/** The reading half for servers before 4.2, by the driver that still knows them. */
export function makeLegacyReader(connection: LegacyConnection): SourceDatabase {
  const { client, db, facts, hosts } = connection;
  const orFail = async <T>(action: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw toFailure(error, { hosts, action });
    }
  };
  return {
    name: db.databaseName,
    facts,
    collections: () => orFail("list the collections", () => readSpecs(connection)),
    indexes: (name) =>
      orFail(`list the indexes of "${name}"`, async () => {
        const spec = (await readSpecs(connection)).find((each) => each.name === name);
        if (spec === undefined || spec.type === "view") return [];
        return completeIndexes(await rawIndexes(connection, name), spec.options);
      }),
    size: (name) => orFail(`read the size of "${name}"`, () => readSize(db, name)),
    count: (selection) =>
      orFail(`count "${selection.collection}"`, () => count(connection, selection)),
    read: (selection, options) => readSelected(connection, selection, options),
    canReadFrom: (id) => asSent(idDocument(id)) !== undefined,
    close: () => client.close(),
  };
}

async function readSpecs(connection: LegacyConnection) {
  const { db, facts } = connection;
  if (facts.maxWireVersion >= catalogWire) {
    return toCollectionSpecs(await catalog(db, { listCollections: 1 }));
  }
  const prefix = `${db.databaseName}.`;
  const entries = await allOf(db, "system.namespaces", {});
  const specs = toCollectionSpecs(entries.map((entry) => withoutPrefix(entry, prefix)));
  return specs.filter(({ name }) => !name.includes("$"));
}

/** Before 3.0 the catalog is a collection and holds whole namespaces. */
function withoutPrefix(entry: Buffer, prefix: string): Buffer {
  const { name, options } = BSON.deserialize(entry, exactTypes);
  const short = String(name).startsWith(prefix) ? String(name).slice(prefix.length) : "system.";
  return Buffer.from(BSON.serialize({ name: short, options: options ?? {} }));
}

function rawIndexes({ db, facts }: LegacyConnection, collection: string): Promise<Buffer[]> {
  if (facts.maxWireVersion >= catalogWire) return catalog(db, { listIndexes: collection });
  return allOf(db, "system.indexes", { ns: `${db.databaseName}.${collection}` });
}

async function catalog(db: LegacyDb, command: Document): Promise<Buffer[]> {
  const whole = { ...command, cursor: { batchSize: wholeCatalog } };
  const reply = await db.command(whole, { raw: true });
  const cursor = rawField(reply, "cursor");
  return cursor === undefined ? [] : [...documentsOf(parseCursor(cursor.bytes).batch)];
}

async function allOf(db: LegacyDb, collection: string, query: Document): Promise<Buffer[]> {
  const documents: Buffer[] = [];
  for await (const document of db.collection(collection).find(query, { raw: true })) {
    documents.push(document);
  }
  return documents;
}

async function count(
  { db, facts }: LegacyConnection,
  { collection, filters }: CollectionSelection,
) {
  let total = 0;
  for (const filter of filters.length === 0 ? [undefined] : filters) {
    const query = filter === undefined ? {} : legacyQuery(filter);
    const pipeline = [{ $match: query }, { $group: { _id: 1, n: { $sum: 1 } } }];
    const reply: Document = await db.command({
      aggregate: collection,
      pipeline,
      cursor: {},
      ...exactly(filter, facts),
    });
    total += Number((reply["cursor"]?.firstBatch ?? reply["result"])?.[0]?.n ?? 0);
  }
  return total;
}

async function* readSelected(
  connection: LegacyConnection,
  selection: CollectionSelection,
  { signal, projection, byId }: ReadOptions = {},
): AsyncGenerator<RawBatch> {
  const { db, hosts, facts } = connection;
  const { collection } = selection;
  const action = `read "${collection}"`;
  try {
    const batchSize = batchSizeFor(await readSize(db, collection));
    for (const { filter, order, min } of queriesOf(selection, byId)) {
      const cursor = db.collection(collection).find(filter ? legacyQuery(filter) : {}, {
        raw: true,
        batchSize,
        ...(projection === undefined ? {} : { projection }),
        ...order,
        ...(min === undefined ? {} : { min: asSent(min) }),
        ...exactly(filter, facts),
      });
      yield* inBatches(cursor, signal);
    }
  } catch (error) {
    throw toFailure(stopReason(signal) ?? error, { hosts, action });
  }
}

/** Values select byte for byte, also in a collection whose default collation ignores case. */
function exactly(filter: Buffer | undefined, { maxWireVersion }: ServerFacts) {
  const needed = filter !== undefined && maxWireVersion >= collationWire;
  return needed ? { collation: { locale: "simple" } } : {};
}

async function* inBatches(cursor: AsyncIterable<Buffer>, signal: AbortSignal | undefined) {
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const document of cursor) {
    signal?.throwIfAborted();
    parts.push(document);
    bytes += document.length;
    if (bytes < batchBytes && parts.length < batchDocuments) continue;
    yield { data: Buffer.concat(parts, bytes), count: parts.length };
    parts = [];
    bytes = 0;
  }
  if (parts.length > 0) yield { data: Buffer.concat(parts, bytes), count: parts.length };
}

/**
 * That driver has an encoder of its own, without a way to pass bytes through. A query with values
 * that would not arrive as they are is refused rather than sent changed.
 */
function legacyQuery(filter: Buffer): Document {
  const query = asSent(filter);
  if (query !== undefined) return query;
  throw new MigrationError("E_VERSION", "A selected value cannot be sent to so old a server", {
    hint: "Migrate the whole server instead, or upgrade the source to 4.2 or later first",
  });
}

/** What that driver encodes to these very bytes again; undefined where nothing is. */
function asSent(document: Buffer): Document | undefined {
  try {
    const decoded = BSON.deserialize(document, exactTypes);
    return encodeLegacy(decoded).equals(document) ? decoded : undefined;
  } catch {
    return undefined;
  }
}
