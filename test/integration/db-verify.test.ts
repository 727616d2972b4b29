import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Document } from "mongodb";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { connectDestination } from "../../src/mongo/connect-destination.ts";
import { predictRestore } from "../../src/mongo/restore-predict.ts";
import type { RestoreSource } from "../../src/mongo/restore-source.ts";
import { verifyAll } from "../../src/mongo/verify.ts";
import { verifyDocuments } from "../../src/mongo/verify-collection.ts";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import {
  found,
  hashesOf,
  memoryLedger,
  openDatabase,
  restoreInto,
  sourceOf,
} from "../support/restore-bed.ts";
import { tempDir } from "../support/temp-dir.ts";

let server: RunningMongod;
beforeAll(async () => {
  server = await startMongod({ version: "6.0" });
});
afterAll(() => server.stop());

const options = { clock: systemClock, signal: new AbortController().signal };
const documents = Array.from({ length: 3000 }, (_, n) => ({ _id: n, v: n }));

describe("verifyAll", () => {
  it("counts conflicts and rejects apart and takes the rest for what it must be", async () => {
    const { db, ref } = await openDatabase(server);
    const c = db.collection<{ _id: number } & Document>("c");
    await c.insertMany([
      { _id: 7, v: "theirs" },
      { _id: 8, v: 8 },
    ]);
    const source = sourceOf({ name: "c", documents: [...documents, Buffer.from([5, 0, 0, 0, 0])] });
    const { out } = await restoreInto(ref, source);
    const destination = await open(ref);
    const { collections } = await verifyAll(source, {
      ...options,
      destination,
      verdicts: out,
      rewrite: {},
    });
    expect(collections).toMatchObject([{ documents: 3001, equal: 2999, conflict: 1, rejected: 1 }]);
  });

  it("lists each mismatch with its id", async () => {
    const { db, ref } = await openDatabase(server);
    const source = sourceOf({ name: "c", documents });
    const { out } = await restoreInto(ref, source);
    const c = db.collection<{ _id: number } & Document>("c");
    await c.updateOne({ _id: 5 }, { $set: { v: 5.5 } });
    await c.deleteOne({ _id: 2999 });
    const destination = await open(ref);
    const verified = verifyAll(source, {
      ...{ ...options, destination, verdicts: out, out, rewrite: {} },
    });
    await expect(verified).rejects.toMatchObject({ code: "E_INTEGRITY" });
    const lines = readFileSync(join(out, "mismatches.ndjson"), "utf8").trim().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { collection: "c", ordinal: 5, id: { $numberInt: "5" }, what: "differs" },
      { collection: "c", ordinal: 2999, id: { $numberInt: "2999" }, what: "missing" },
    ]);
  });

  it("does not pass with the verdicts of a restore that is not done", async () => {
    const { ref } = await openDatabase(server);
    const many = Array.from({ length: 20_000 }, (_, n) => ({ _id: n }));
    const source = sourceOf({ name: "c", documents: many });
    const stop = new AbortController();
    const onProgress = () => stop.abort();
    const out = await failingRestore(ref, source, { signal: stop.signal, onProgress });
    const destination = await open(ref);
    const verified = verifyAll(source, { ...options, destination, verdicts: out, rewrite: {} });
    await expect(verified).rejects.toMatchObject({ code: "E_INTEGRITY" });
  });
});

describe("verifyAll of what lies as it was restored", () => {
  it("looks up only the documents that the scan did not find", async () => {
    const { db, ref } = await openDatabase(server);
    const source = sourceOf({ name: "c", documents });
    await restoreInto(ref, source);
    await db.collection<{ _id: number } & Document>("c").deleteOne({ _id: 1234 });
    const destination = await open(ref);
    const asked: number[] = [];
    const counting: typeof destination = {
      ...destination,
      find(collection, ids) {
        asked.push(ids.length);
        return destination.find(collection, ids);
      },
    };
    const verified = verifyAll(source, { ...options, destination: counting, rewrite: {} });
    await expect(verified).rejects.toMatchObject({ code: "E_INTEGRITY" });
    expect(asked).toEqual([1]);
  });
});

describe("verifyDocuments", () => {
  it("serves any source of documents, also without verdicts", async () => {
    const { ref } = await openDatabase(server);
    const source = sourceOf({ name: "c", documents });
    await restoreInto(ref, source);
    const destination = await open(ref);
    const counts = await verifyDocuments({
      ...options,
      collection: "c",
      batches: destination.read({ collection: "c", filters: [] }),
      destination,
      rewrite: [],
      ttl: [],
      onMismatch: async () => {},
    });
    expect(counts).toMatchObject({ documents: 3000, equal: 3000, missing: 0, differs: 0 });
  });
});

describe("predictRestore", () => {
  it("says what a restore then does, and writes nothing", async () => {
    const { db, ref } = await openDatabase(server);
    const c = db.collection<{ _id: number | string } & Document>("c");
    await c.createIndex({ v: 1 }, { unique: true, name: "by_v" });
    await c.insertMany([
      { _id: 1, v: 1 },
      { _id: 2, v: -2 },
      { _id: "holder", v: 1234 },
    ]);
    const before = await hashesOf(db);
    const destination = await open(ref);
    const source = sourceOf({ name: "c", documents });
    const ledger = memoryLedger();
    const prediction = await predictRestore({
      collection: "c",
      batches: source.read(source.collections[0]!),
      destination,
      ledger,
      rules: { policy: "keep-destination", run: "run-1" },
      rewrite: [],
    });
    expect(await hashesOf(db)).toEqual(before);
    expect(ledger.size()).toBe(0);
    expect(prediction.unchecked).toBe(0);
    expect(prediction.examples).toMatchObject([
      { id: { $numberInt: "2" }, reason: "content" },
      { id: { $numberInt: "1234" }, reason: "unique-index", index: "by_v", holder: "holder" },
    ]);
    const { collections } = await restoreInto(ref, source);
    expect(found(prediction.verdicts)).toEqual({ migrated: 2997, identical: 1, conflict: 2 });
    expect(collections[0]?.verdicts).toEqual(prediction.verdicts);
  });
});

async function open(ref: { uriFile: string; database: string }) {
  const destination = await connectDestination(ref);
  onTestFinished(() => destination.close());
  return destination;
}

async function failingRestore(
  ref: { uriFile: string; database: string },
  source: RestoreSource,
  more: Parameters<typeof restoreInto>[2],
): Promise<string> {
  const out = tempDir();
  await expect(restoreInto(ref, source, { ...more, out })).rejects.toMatchObject({
    code: "E_INTERRUPTED",
  });
  return out;
}
