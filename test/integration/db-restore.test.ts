import { existsSync, readdirSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { type Db, Long } from "mongodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeSelection } from "../../src/mongo/selection.ts";
import { backupDatabase } from "../../src/workers/db-backup.ts";
import { restoreDatabase } from "../../src/workers/db-restore.ts";
import { verifyDatabase } from "../../src/workers/db-verify.ts";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import { insertRaw, oddDocuments } from "../support/raw-bson.ts";
import { found, hashesOf, openDatabase, workerContext } from "../support/restore-bed.ts";
import { tempDir } from "../support/temp-dir.ts";

let source: RunningMongod;
let destination: RunningMongod;
let old: RunningMongod;

beforeAll(async () => {
  source = await startMongod({ version: "6.0" });
  destination = await startMongod({ version: "6.0" });
  old = await startMongod({ version: "4.2" });
});
afterAll(async () => {
  await source.stop();
  await destination.stop();
  await old.stop();
});

describe.each(["4.2", "6.0"])("from %s to 6.0", (version) => {
  it("brings every odd document over byte for byte", async () => {
    const from = await openDatabase(version === "4.2" ? old : source);
    const to = await openDatabase(destination);
    await insertRaw(from.db, "odd", Buffer.concat(oddDocuments()));
    await from.db.collection("Foo.bar b/ü%").insertOne({ n: Long.fromNumber(5) });
    const move = await backUp(from);
    const result = await restoreDatabase(move.input(to.ref), move.context);
    expect(result.collections.map(({ verdicts }) => found(verdicts))).toEqual([
      { migrated: 1 },
      { migrated: oddDocuments().length },
    ]);
    expect(await hashesOf(to.db)).toEqual(await hashesOf(from.db));
    const verified = await verifyDatabase(move.verify(to.ref), move.context);
    expect(verified.mismatches).toBe(0);
  });
});

describe("what is beside the documents", () => {
  it("makes collections, indexes and views as they were", async () => {
    const from = await openDatabase(source);
    const to = await openDatabase(destination);
    await makeStructure(from.db);
    const move = await backUp(from);
    const result = await restoreDatabase(move.input(to.ref), move.context);
    expect(result.differences).toEqual([]);
    expect(await structureOf(to.db)).toEqual(await structureOf(from.db));
    expect(await hashesOf(to.db)).toEqual(await hashesOf(from.db));
    const natural = (db: Db) => db.collection("capped").find().toArray();
    expect(await natural(to.db)).toEqual(await natural(from.db));
    await verifyDatabase(move.verify(to.ref), move.context);
  });

  it("lets an existing collection keep its own and lists the differences", async () => {
    const from = await openDatabase(source);
    const to = await openDatabase(destination);
    const validator = { a: { $exists: true } };
    await from.db.createCollection("c", { validator });
    await from.db.collection("c").createIndex({ a: 1 }, { name: "x" });
    await from.db.collection("c").createIndex({ b: 1 }, { name: "only_source" });
    await from.db.collection("c").insertOne({ a: 1 });
    await to.db.collection("c").createIndex({ a: -1 }, { name: "x" });
    await to.db.collection("c").createIndex({ z: 1 }, { name: "only_destination" });
    const before = await structureOf(to.db);
    const move = await backUp(from);
    const { differences } = await restoreDatabase(move.input(to.ref), move.context);
    expect(differences.map(({ what, name, note }) => [what, name, note])).toEqual([
      ["option", "validator", "missing"],
      ["index", "x", "differs"],
      ["index", "only_source", "missing"],
      ["index", "only_destination", "extra"],
    ]);
    expect(await structureOf(to.db)).toEqual(before);
  });

  it("does not take a document for lost that a TTL index may delete", async () => {
    const from = await openDatabase(source);
    const to = await openDatabase(destination);
    await from.db.collection("c").createIndex({ at: 1 }, { expireAfterSeconds: 1_000_000 });
    await from.db.collection("c").insertMany([{ at: new Date(0) }, { at: new Date() }]);
    const move = await backUp(from);
    await restoreDatabase(move.input(to.ref), move.context);
    await to.db.collection("c").deleteOne({ at: new Date(0) });
    const { collections } = await verifyDatabase(move.verify(to.ref), move.context);
    expect(collections[0]).toMatchObject({ equal: 1, expired: 1, missing: 0 });
  });

  it("refuses to load a collection where the destination has a view", async () => {
    const from = await openDatabase(source);
    const to = await openDatabase(destination);
    await from.db.collection("c").insertOne({ a: 1 });
    await to.db.createCollection("c", { viewOn: "x", pipeline: [] });
    const move = await backUp(from);
    const restored = restoreDatabase(move.input(to.ref), move.context);
    await expect(restored).rejects.toMatchObject({ code: "E_REFUSED" });
  });
});

describe("before the first write", () => {
  it("finds a truncated archive", async () => {
    const from = await openDatabase(source);
    const to = await openDatabase(destination);
    await from.db.collection("c").insertMany(Array.from({ length: 5000 }, (_, n) => ({ n })));
    const move = await backUp(from);
    truncateSync(move.archive, 20_000);
    const restored = restoreDatabase(move.input(to.ref), move.context);
    await expect(restored).rejects.toMatchObject({ code: "E_INTEGRITY" });
    expect(await to.db.listCollections().toArray()).toEqual([]);
  });

  it("finds a conflict in the last collection when the policy is to fail", async () => {
    const from = await openDatabase(source);
    const to = await openDatabase(destination);
    await from.db.collection("a").insertOne({ n: 1 });
    await from.db.collection<{ _id: string; n: number }>("z").insertOne({ _id: "x", n: 1 });
    await to.db.collection<{ _id: string; n: number }>("z").insertOne({ _id: "x", n: 2 });
    const move = await backUp(from);
    const input = { ...move.input(to.ref), onConflict: "fail" as const };
    await expect(restoreDatabase(input, move.context)).rejects.toMatchObject({
      code: "E_CONFLICT",
      fields: { conflicts: 1, examples: [{ collection: "z", id: "x", reason: "content" }] },
    });
    expect(await to.db.collection("a").countDocuments()).toBe(0);
    expect(existsSync(move.out) ? readdirSync(move.out) : []).toEqual([]);
  });

  it("fails on a clash with a unique index too", async () => {
    const from = await openDatabase(source);
    const to = await openDatabase(destination);
    await from.db.collection("c").insertMany(Array.from({ length: 300 }, (_, u) => ({ u })));
    await to.db.collection("c").createIndex({ u: 1 }, { unique: true });
    await to.db.collection("c").insertMany([{ u: 7 }, { u: 250 }, { u: 9999 }]);
    const move = await backUp(from);
    const input = { ...move.input(to.ref), onConflict: "fail" as const };
    await expect(restoreDatabase(input, move.context)).rejects.toMatchObject({
      code: "E_CONFLICT",
      fields: { conflicts: 2 },
    });
  });
});

describe("verification", () => {
  it("names the first of what differs and is missing, and lists all", async () => {
    const from = await openDatabase(source);
    const to = await openDatabase(destination);
    const documents = Array.from({ length: 10 }, (_, n) => ({ _id: `d${n}`, n }));
    await from.db.collection<{ _id: string }>("c").insertMany(documents);
    const move = await backUp(from);
    await restoreDatabase(move.input(to.ref), move.context);
    await to.db.collection<{ _id: string }>("c").updateOne({ _id: "d3" }, { $set: { n: 3.5 } });
    await to.db.collection<{ _id: string }>("c").deleteOne({ _id: "d5" });
    await expect(verifyDatabase(move.verify(to.ref), move.context)).rejects.toMatchObject({
      code: "E_INTEGRITY",
      message: expect.stringContaining("2 documents are not at the destination"),
      fields: { mismatches: 2 },
    });
    expect(readdirSync(move.out)).toContain("mismatches.ndjson");
  });

  it("finds an index that is gone", async () => {
    const from = await openDatabase(source);
    const to = await openDatabase(destination);
    await from.db.collection("c").createIndex({ n: 1 });
    await from.db.collection("c").insertOne({ n: 1 });
    const move = await backUp(from);
    await restoreDatabase(move.input(to.ref), move.context);
    await to.db.collection("c").dropIndex("n_1");
    const verified = verifyDatabase(move.verify(to.ref), move.context);
    await expect(verified).rejects.toMatchObject({ code: "E_INTEGRITY" });
  });

  it("sees to the fix-ups", async () => {
    const from = await openDatabase(source);
    const to = await openDatabase(destination);
    await from.db.collection("c").insertMany([{ path: "up/a", n: 5 }, { path: "other" }]);
    const move = await backUp(from);
    const rewrite = {
      c: [
        { field: "path", prefix: "up/", with: "/data/" },
        { field: "n", set: 0 },
      ],
    };
    await restoreDatabase({ ...move.input(to.ref), rewrite }, move.context);
    const restored = await to.db
      .collection("c")
      .find({}, { projection: { _id: 0 } })
      .toArray();
    expect(restored).toEqual([{ path: "/data/a", n: 0 }, { path: "other" }]);
    await verifyDatabase({ ...move.verify(to.ref), rewrite }, move.context);
    const plain = verifyDatabase(move.verify(to.ref), move.context);
    await expect(plain).rejects.toMatchObject({ code: "E_INTEGRITY" });
  });
});

type Opened = Awaited<ReturnType<typeof openDatabase>>;

async function backUp({ db, ref }: Opened) {
  const folder = tempDir();
  const [selection, archive] = [join(folder, "selection"), join(folder, "a.zip")];
  const out = join(folder, "out");
  const specs = await db.listCollections().toArray();
  const names = specs.map(({ name }) => name).filter((name) => !name.startsWith("system."));
  await writeSelection(
    selection,
    names.sort().map((collection) => ({ collection, filters: [] })),
  );
  const context = workerContext();
  await backupDatabase({ source: ref, selection, archive, compression: "deflate" }, context);
  const fixups = { rewrite: {}, newestBy: {} };
  return {
    archive,
    out,
    context,
    input: (to: Opened["ref"]) => {
      return { archive, destination: to, out, onConflict: "keep-destination" as const, ...fixups };
    },
    verify: (to: Opened["ref"]) => ({ archive, destination: to, verdicts: out, rewrite: {} }),
  };
}

async function makeStructure(db: Db) {
  await db.createCollection("capped", { capped: true, size: 65536, max: 100 });
  const numbers = Array.from({ length: 150 }, (_, v) => ({ v: 150 - v }));
  await db.collection("capped").insertMany(numbers);
  const collation = { locale: "fr", strength: 1 };
  const validator = { $jsonSchema: { required: ["a"] } };
  await db.createCollection("french", { collation, validator, validationLevel: "moderate" });
  const bypass = { bypassDocumentValidation: true };
  await db.collection("french").insertMany([{ a: "x" }, { b: "invalid" }], bypass);
  const simple = { name: "simple", unique: true, sparse: true, collation: { locale: "simple" } };
  await db.collection("french").createIndex({ a: 1 }, simple);
  await db.collection("french").insertOne({ a: "X" });
  await db.createCollection("series", { timeseries: { timeField: "t", metaField: "m" } });
  const points = Array.from({ length: 500 }, (_, v) => ({
    t: new Date(1.6e12 + v * 1e4),
    m: v % 3,
    v,
  }));
  await db.collection("series").insertMany(points);
  await db.createCollection("clustered", { clusteredIndex: { key: { _id: 1 }, unique: true } });
  await db.collection("clustered").insertOne({ v: 1 });
  await db.collection("indexed").insertOne({ a: 1, g: { type: "Point", coordinates: [1, 2] } });
  const indexes = [
    { key: { a: 1 }, name: "collated", collation: { locale: "en", strength: 2 } },
    { key: { b: "text", c: "text" }, name: "text", weights: { b: 10 }, default_language: "french" },
    { key: { g: "2dsphere" }, name: "geo" },
    { key: { h: "hashed" }, name: "hashed" },
    { key: { "$**": 1 }, name: "wild", wildcardProjection: { zz: 0 } },
    { key: { p: 1 }, name: "partial", unique: true, partialFilterExpression: { p: { $gt: 5 } } },
    { key: { e: 1 }, name: "ttl", expireAfterSeconds: 2147483647 },
    { key: { hid: -1 }, name: "hidden", hidden: true },
  ];
  await db.command({ createIndexes: "indexed", indexes });
  const pipeline = [{ $match: { a: { $gt: 0 } } }];
  await db.createCollection("a view", { viewOn: "indexed", pipeline, collation });
}

async function structureOf(db: Db) {
  const specs = await db.listCollections().toArray();
  const structure: Record<string, unknown> = {};
  for (const { name, type, options } of specs as {
    name: string;
    type: string;
    options: object;
  }[]) {
    const indexes = type === "collection" ? await db.collection(name).indexes() : [];
    const byName = (a: { name?: string }, b: { name?: string }) => (a.name! < b.name! ? -1 : 1);
    structure[name] = { type, options, indexes: indexes.sort(byName) };
  }
  return structure;
}
