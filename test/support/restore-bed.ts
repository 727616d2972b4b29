import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { BSON, type Db, type Document, MongoClient } from "mongodb";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import type { DocumentLedger, DocumentRecord } from "../../src/core/ledger.ts";
import type { VerdictCounts } from "../../src/core/verdict.ts";
import { connectDestination } from "../../src/mongo/connect-destination.ts";
import type { CollectionSpec } from "../../src/mongo/database.ts";
import { type RestoreOptions, restoreAll } from "../../src/mongo/restore.ts";
import type { RestoreSource } from "../../src/mongo/restore-source.ts";
import type { WorkerContext } from "../../src/workers/context.ts";
import type { RunningMongod } from "./mongod.ts";
import { tempDir } from "./temp-dir.ts";

/** A ledger in memory, with the same rules as the one on disk. */
export function memoryLedger(): DocumentLedger & { size(): number } {
  const records = new Map<string, DocumentRecord>();
  const keyOf = (collection: string, id: Buffer) => `${collection}\0${id.toString("latin1")}`;
  return {
    size: () => records.size,
    prepareLookups: async () => {},
    get: (collection, ids) => ids.map((id) => records.get(keyOf(collection, id))),
    intend(collection, run, entries) {
      for (const { id, hash, destination } of entries) {
        const old = records.get(keyOf(collection, id));
        const previous = old && previousOf(old, hash, destination);
        const record = { hash, run, ...(previous === undefined ? {} : { previous }) };
        records.set(keyOf(collection, id), record);
      }
    },
    intendNew(collection, run, entries) {
      for (const { id, hash } of entries) records.set(keyOf(collection, id), { hash, run });
    },
    forget(collection, ids) {
      for (const id of ids) records.delete(keyOf(collection, id));
    },
    revert(collection, run, entries) {
      for (const { id, hash } of entries) records.set(keyOf(collection, id), { hash, run });
    },
  };
}

function previousOf(old: DocumentRecord, hash: Buffer, destination: Buffer | undefined) {
  if (destination === undefined) return old.hash.equals(hash) ? old.previous : old.hash;
  if (destination.equals(hash)) return undefined;
  const known = [old.hash, old.previous].some((other) => other?.equals(destination));
  return known ? destination : undefined;
}

export function workerContext(more: Partial<WorkerContext> = {}): WorkerContext {
  const nothing = () => {
    throw new Error("not used here");
  };
  return {
    log: pino({ level: "silent" }),
    clock: systemClock,
    signal: new AbortController().signal,
    report: () => {},
    guard: async () => undefined,
    run: "run-1",
    ledger: {
      documents: memoryLedger(),
      files: { get: nothing, put: nothing, forget: nothing },
      completions: { record: nothing, list: nothing },
    } as unknown as WorkerContext["ledger"],
    ...more,
  };
}

/** A database name of a test's own, its driver handle and its place in a reference. */
export async function openDatabase(server: RunningMongod, name = freshName()) {
  const client = await MongoClient.connect(server.adminUri);
  onTestFinished(() => client.close());
  const uriFile = join(tempDir(), "uri");
  writeFileSync(uriFile, server.adminUri);
  return { db: client.db(name), ref: { uriFile, database: name }, client };
}

let last = 0;

function freshName(): string {
  last += 1;
  return `test${process.pid}_${last}`;
}

export interface Part {
  name: string;
  documents: readonly (Buffer | Document)[];
  options?: Document;
  type?: CollectionSpec["type"];
  indexes?: Document[];
}

/** Documents in memory as the source of a restore, in batches of at most 2,000. */
export function sourceOf(...parts: Part[]): RestoreSource {
  const documents = new Map<string, Buffer[]>();
  const collections = parts.map((part) => {
    const bytes = part.documents.map((each) =>
      Buffer.isBuffer(each) ? each : Buffer.from(BSON.serialize(each)),
    );
    documents.set(part.name, bytes);
    return {
      spec: { name: part.name, type: part.type ?? "collection", options: part.options ?? {} },
      indexes: [{ v: 2, key: { _id: 1 }, name: "_id_" }, ...(part.indexes ?? [])],
      documents: bytes.length,
      bytes: bytes.reduce((sum, { length }) => sum + length, 0),
    };
  });
  return {
    fingerprint: JSON.stringify(
      collections.map(({ spec, documents: n, bytes }) => [spec, n, bytes]),
    ),
    collections,
    async *read({ spec }) {
      const all = documents.get(spec.name) ?? [];
      for (let at = 0; at < all.length; at += 1000) {
        const some = all.slice(at, at + 1000);
        yield { data: Buffer.concat(some), count: some.length };
      }
    },
  };
}

/** The same, which waits for `work` before it gives the batches at these positions. */
export function interrupted(
  source: RestoreSource,
  positions: readonly number[],
  work: () => Promise<void>,
): RestoreSource {
  return {
    ...source,
    async *read(collection) {
      let position = 0;
      for await (const batch of source.read(collection)) {
        if (positions.includes(position++)) await work();
        yield batch;
      }
    },
  };
}

/** Runs the restore engine against a database with a new folder and a new ledger by default. */
export async function restoreInto(
  ref: { uriFile: string; database: string },
  source: RestoreSource,
  more: Partial<RestoreOptions> = {},
) {
  const destination = await connectDestination(ref);
  const out = more.out ?? tempDir();
  try {
    const result = await restoreAll(source, {
      destination,
      ledger: memoryLedger(),
      run: "run-1",
      out,
      policy: "keep-destination",
      rewrite: {},
      newestBy: {},
      guard: async () => undefined,
      clock: systemClock,
      signal: new AbortController().signal,
      ...more,
    });
    return { ...result, out };
  } finally {
    await destination.close();
  }
}

/** The verdicts that are not 0. */
export function found(counts: VerdictCounts | undefined): Partial<VerdictCounts> {
  return Object.fromEntries(Object.entries(counts ?? {}).filter(([, count]) => count > 0));
}

/** The content as the server hashes it, collection by collection; views name their database. */
export async function hashesOf(db: Db): Promise<Document> {
  const reply = await db.command({ dbHash: 1 });
  const { "system.views": _, ...collections } = reply["collections"];
  return collections;
}
