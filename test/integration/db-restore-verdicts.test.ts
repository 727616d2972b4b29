import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BSON, type Db, type Document, Long } from "mongodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import { inserts } from "../support/mongod-faults.ts";
import { doc, el, i32, str } from "../support/raw-bson.ts";
import {
  found,
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

const slice = Array.from({ length: 1000 }, (_, index) => ({ _id: `d${index}`, n: index }));

describe.each([0, 49, 50, 950, 999])("a slice of 1000 with the document at %i present", (at) => {
  it("counts 999 migrated and 1 identical when it is the same", async () => {
    const { db, ref } = await openDatabase(server);
    await collection(db).insertOne({ ...slice[at]! });
    const { collections } = await restoreInto(ref, sourceOf({ name: "c", documents: slice }));
    expect(found(collections[0]?.verdicts)).toEqual({ migrated: 999, identical: 1 });
    expect(await db.collection("c").countDocuments()).toBe(1000);
  });

  it("counts 999 migrated and 1 conflict when it differs, and keeps the destination's", async () => {
    const { db, ref } = await openDatabase(server);
    await collection(db).insertOne({ _id: `d${at}`, n: "other" });
    const result = await restoreInto(ref, sourceOf({ name: "c", documents: slice }));
    expect(found(result.collections[0]?.verdicts)).toEqual({ migrated: 999, conflict: 1 });
    expect(await collection(db).findOne({ _id: `d${at}` })).toMatchObject({ n: "other" });
    expect(lines(result.out, "conflicts.ndjson")).toEqual([
      expect.objectContaining({ collection: "c", ordinal: at, id: `d${at}`, reason: "content" }),
    ]);
  });
});

describe("documents that another one stands in the way of", () => {
  it("is a conflict that names the unique index and who holds the key", async () => {
    const { db, ref } = await openDatabase(server);
    await db.collection("c").createIndex({ "u.k": 1 }, { unique: true, name: "by_u" });
    await collection(db).insertOne({ _id: "holder", u: { k: 7 } });
    const documents = [
      { _id: "a", u: { k: 1 } },
      { _id: "b", u: { k: 7 } },
    ];
    const result = await restoreInto(ref, sourceOf({ name: "c", documents }));
    expect(found(result.collections[0]?.verdicts)).toEqual({ migrated: 1, conflict: 1 });
    expect(lines(result.out, "conflicts.ndjson")).toMatchObject([
      {
        id: "b",
        reason: "unique-index",
        index: "by_u",
        holder: "holder",
        done: "kept-destination",
      },
    ]);
  });

  it("is a conflict when only the server holds the ids for equal", async () => {
    const { db, ref } = await openDatabase(server);
    await collection(db).insertOne({ _id: new BSON.Double(5), n: 1 });
    const documents = [{ _id: 5, n: 1 }];
    const result = await restoreInto(ref, sourceOf({ name: "c", documents }));
    expect(found(result.collections[0]?.verdicts)).toEqual({ conflict: 1 });
    expect(lines(result.out, "conflicts.ndjson")).toMatchObject([{ reason: "equal-id" }]);
  });

  it("does not hide the other failures of its batch", async () => {
    const { db, ref } = await openDatabase(server);
    await db.collection("c").createIndex({ u: 1 }, { unique: true, sparse: true });
    await db.collection("c").createIndex({ x: 1, y: 1 });
    await collection(db).insertMany([
      { _id: "content", n: 1 },
      { _id: "holder", u: 7 },
    ]);
    const documents = [
      { _id: "content", n: 2 },
      { _id: "arrays", x: [1, 2], y: [1, 2] },
      { _id: "good", n: 1 },
      { _id: "unique", u: 7 },
    ];
    const result = await restoreInto(ref, sourceOf({ name: "c", documents }));
    const expected = { migrated: 1, conflict: 2, rejected: 1 };
    expect(found(result.collections[0]?.verdicts)).toEqual(expected);
    expect(lines(result.out, "conflicts.ndjson").map(({ id, reason }) => [id, reason])).toEqual([
      ["content", "content"],
      ["unique", "unique-index"],
    ]);
    const [reject] = lines(result.out, "rejected.ndjson");
    expect(reject).toMatchObject({ id: "arrays", code: 171, offset: 0 });
    const bytes = readFileSync(join(result.out, "rejected", "c.bson"));
    expect(BSON.deserialize(bytes)).toEqual(documents[1]);
  });
});

describe("documents that the server refuses", () => {
  it("narrows down to a corrupt one, keeps its bytes, and goes back to bulk", async () => {
    const { db, ref, client } = await openDatabase(server);
    const corrupt = doc(el(2, "_id", str("bad")), el(3, "m", doc(el(0x77, "x", i32(1)))));
    const documents = [...slice, corrupt, ...slice.map(({ _id }) => ({ _id: `second ${_id}` }))];
    const before = await inserts(client);
    const result = await restoreInto(ref, sourceOf({ name: "c", documents }), {});
    expect((await inserts(client)) - before).toBeLessThanOrEqual(30);
    expect(found(result.collections[0]?.verdicts)).toEqual({ migrated: 2000, rejected: 1 });
    expect(result.counters.bisections).toBeGreaterThan(5);
    expect(result.counters.singleDocuments).toBeGreaterThan(0);
    expect(result.counters.returnsToBulk).toBeGreaterThan(0);
    expect(lines(result.out, "rejected.ndjson")).toMatchObject([{ ordinal: 1000, code: 22 }]);
    expect(readFileSync(join(result.out, "rejected", "c.bson"))).toEqual(corrupt);
    expect(await db.collection("c").countDocuments()).toBe(2000);
  });

  it("rejects one that is nested more deeply than a server allows", async () => {
    const { db, ref } = await openDatabase(server);
    const nested = JSON.parse(`${'{"a":'.repeat(250)}1${"}".repeat(250)}`);
    const documents = [{ _id: "one" }, { _id: "deep", nested }, { _id: "two" }];
    const result = await restoreInto(ref, sourceOf({ name: "c", documents }));
    expect(found(result.collections[0]?.verdicts)).toEqual({ migrated: 2, rejected: 1 });
    expect(lines(result.out, "rejected.ndjson")).toMatchObject([{ id: "deep", code: 15 }]);
    expect(await db.collection("c").distinct("_id")).toEqual(["one", "two"]);
  });

  it("takes what has exactly 16 MiB and rejects what is larger", async () => {
    const { db, ref } = await openDatabase(server);
    const most = 16 * 1024 * 1024;
    const documents = [sized("fits", most), sized("large", most + 1), { _id: "small" }];
    const result = await restoreInto(ref, sourceOf({ name: "c", documents }));
    expect(found(result.collections[0]?.verdicts)).toEqual({ migrated: 2, rejected: 1 });
    expect(await db.collection("c").distinct("_id")).toEqual(["fits", "small"]);
  });

  it("rejects one without an _id, which would be doubled by each attempt", async () => {
    const { ref } = await openDatabase(server);
    const documents = [doc(el(0x10, "n", i32(1))), { _id: "small" }];
    const result = await restoreInto(ref, sourceOf({ name: "c", documents }));
    expect(found(result.collections[0]?.verdicts)).toEqual({ migrated: 1, rejected: 1 });
  });

  it("rejects what the destination's geo and text indexes cannot hold", async () => {
    const { db, ref } = await openDatabase(server);
    await db.collection("c").createIndex({ g: "2dsphere" });
    await db.collection("c").createIndex({ t: "text" });
    const documents = [
      { _id: "geo", g: { type: "Point", coordinates: [500, 500] } },
      { _id: "text", t: "x", language: "klingon" },
      { _id: "good", g: { type: "Point", coordinates: [5, 5] } },
    ];
    const result = await restoreInto(ref, sourceOf({ name: "c", documents }));
    expect(found(result.collections[0]?.verdicts)).toEqual({ migrated: 1, rejected: 2 });
    const codes = lines(result.out, "rejected.ndjson").map(({ code }) => code);
    expect(codes).toEqual([16755, 17262]);
  });
});

describe("a second time", () => {
  const documents = [
    { _id: "a", n: 1 },
    { _id: "b", n: 1 },
  ];

  it("finds all identical and writes nothing", async () => {
    const { db, ref } = await openDatabase(server);
    const ledger = memoryLedger();
    const source = sourceOf({
      name: "c",
      documents,
      indexes: [{ key: { n: 1 }, name: "n_1", v: 2 }],
    });
    await restoreInto(ref, source, { ledger });
    const before = await db.admin().serverStatus();
    const again = await restoreInto(ref, source, { ledger, run: "run-2" });
    const after = await db.admin().serverStatus();
    expect(found(again.collections[0]?.verdicts)).toEqual({ identical: 2 });
    expect(again.differences).toEqual([]);
    expect(after["metrics"].document.inserted).toBe(before["metrics"].document.inserted);
    expect(after["metrics"].document.updated).toBe(before["metrics"].document.updated);
  });

  it("brings what changed at the source and leaves what changed at the destination", async () => {
    const { db, ref } = await openDatabase(server);
    const ledger = memoryLedger();
    await restoreInto(ref, sourceOf({ name: "c", documents }), { ledger });
    await collection(db).updateOne({ _id: "b" }, { $set: { n: 9 } });
    const changed = [
      { _id: "a", n: 2 },
      { _id: "b", n: 2 },
    ];
    const again = await restoreInto(ref, sourceOf({ name: "c", documents: changed }), {
      ledger,
      run: "run-2",
    });
    expect(found(again.collections[0]?.verdicts)).toEqual({ updated: 1, conflict: 1 });
    const now = await db.collection("c").find().sort({ _id: 1 }).toArray();
    expect(now).toEqual([
      { _id: "a", n: 2 },
      { _id: "b", n: 9 },
    ]);
  });
});

describe("the policies", () => {
  const theirs = [
    { _id: "old", n: "theirs", at: Long.fromNumber(1) },
    { _id: "new", n: "theirs", at: Long.fromNumber(9) },
    { _id: "none", n: "theirs" },
  ];
  const ours = [
    { _id: "old", n: "ours", at: Long.fromNumber(5) },
    { _id: "new", n: "ours", at: Long.fromNumber(5) },
    { _id: "none", n: "ours", at: Long.fromNumber(5) },
  ];

  it("overwrite replaces and keeps what was there", async () => {
    const { db, ref } = await openDatabase(server);
    await collection(db).insertMany(structuredClone(theirs));
    const source = sourceOf({ name: "c", documents: ours });
    const result = await restoreInto(ref, source, { policy: "overwrite" });
    expect(found(result.collections[0]?.verdicts)).toEqual({ updated: 3 });
    expect(await db.collection("c").distinct("n")).toEqual(["ours"]);
    const noted = lines(result.out, "conflicts.ndjson");
    expect(noted.map(({ done }) => done)).toEqual(["overwritten", "overwritten", "overwritten"]);
    const before = readFileSync(join(result.out, "before", "c.bson"));
    const { length } = noted[0]!["before"];
    expect(BSON.deserialize(before.subarray(0, length))).toMatchObject({ _id: "old", n: "theirs" });
  });

  it("keeps what was overwritten when another run follows", async () => {
    const { db, ref } = await openDatabase(server);
    await collection(db).insertOne({ _id: "old", n: "theirs" });
    const [ledger, out] = [memoryLedger(), tempDir()];
    const source = sourceOf({ name: "c", documents: ours });
    await restoreInto(ref, source, { ledger, out, policy: "overwrite" });
    await collection(db).updateOne({ _id: "old" }, { $set: { n: "theirs again" } });
    const more = { ledger, out, run: "run-2" };
    const { collections } = await restoreInto(ref, source, more);
    expect(found(collections[0]?.verdicts)).toEqual({ identical: 2, conflict: 1 });
    const files = readdirSync(out);
    expect(files.filter((name) => name.startsWith("before-run-1"))).toHaveLength(1);
    expect(files.filter((name) => name.startsWith("conflicts-run-1"))).toHaveLength(1);
  });

  it("newest takes the larger value of the field, and where there is none it is a conflict", async () => {
    const { db, ref } = await openDatabase(server);
    await collection(db).insertMany(theirs);
    const source = sourceOf({ name: "c", documents: ours });
    const result = await restoreInto(ref, source, { policy: "newest", newestBy: { c: "at" } });
    expect(found(result.collections[0]?.verdicts)).toEqual({ updated: 1, conflict: 2 });
    expect(await collection(db).findOne({ _id: "old" })).toMatchObject({ n: "ours" });
    const reasons = lines(result.out, "conflicts.ndjson").map(({ reason }) => reason);
    expect(reasons).toEqual(["content", "destination-newer", "not-comparable"]);
  });
});

describe("going on", () => {
  it("does not start over in the folder of an earlier run", async () => {
    const { ref } = await openDatabase(server);
    const [ledger, out] = [memoryLedger(), tempDir()];
    const source = sourceOf({ name: "c", documents: slice });
    const first = await restoreInto(ref, source, { ledger, out });
    const same = await restoreInto(ref, source, { ledger, out });
    const rerun = await restoreInto(ref, source, { ledger, out, run: "run-2" });
    expect(found(first.collections[0]?.verdicts)).toEqual({ migrated: 1000 });
    expect(found(same.collections[0]?.verdicts)).toEqual({ migrated: 1000 });
    expect(same.counters.comparedBatches).toBe(0);
    expect(found(rerun.collections[0]?.verdicts)).toEqual({ identical: 1000 });
  });

  it("fails when the archive holds fewer documents than it says", async () => {
    const { ref } = await openDatabase(server);
    const source = sourceOf({ name: "c", documents: slice });
    source.collections[0]!.documents++;
    await expect(restoreInto(ref, source)).rejects.toMatchObject({ code: "E_INTEGRITY" });
  });
});

interface Loose {
  _id: string | BSON.Double;
  [field: string]: unknown;
}

function collection(db: Db) {
  return db.collection<Loose>("c");
}

function lines(out: string, file: string): Document[] {
  const text = readFileSync(join(out, file), "utf8");
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

function sized(id: string, bytes: number): Buffer {
  const rest = doc(el(2, "_id", str(id)), el(2, "s", str(""))).length;
  return doc(el(2, "_id", str(id)), el(2, "s", str("x".repeat(bytes - rest))));
}
