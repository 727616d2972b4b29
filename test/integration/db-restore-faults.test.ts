import { writeFileSync } from "node:fs";
import type { Document, MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { connectDestination } from "../../src/mongo/connect-destination.ts";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import { doc, el, str } from "../support/raw-bson.ts";
import {
  found,
  hashesOf,
  memoryLedger,
  openDatabase,
  restoreInto,
  sourceOf,
} from "../support/restore-bed.ts";

let server: RunningMongod;
let replicaSet: RunningMongod;
beforeAll(async () => {
  server = await startMongod({ version: "6.0", auth: true });
  replicaSet = await startMongod({ version: "6.0", replicaSet: "rs" });
});
afterAll(async () => {
  await server.stop();
  await replicaSet.stop();
});

const documents = Array.from({ length: 20_000 }, (_, n) => ({ _id: n, text: "x".repeat(100) }));

describe("faults that pass", () => {
  it.each([
    ["the connection is closed before inserts", { closeConnection: true }],
    ["the primary steps down", { errorCode: 10107 }],
    ["the server is interrupted", { errorCode: 11602 }],
    ["the majority does not answer in time", { writeConcernError: { code: 64, errmsg: "later" } }],
  ])("ends right when %s", async (_, fault) => {
    const { db, ref, client } = await openDatabase(replicaSet);
    await fail(client, { times: 6 }, { failCommands: ["insert"], ...fault });
    const source = sourceOf({ name: "c", documents });
    const { collections, counters } = await restoreInto(ref, source);
    expect(found(collections[0]?.verdicts)).toEqual({ migrated: 20_000 });
    expect(counters.retries).toBeGreaterThan(0);
    expect(await db.collection("c").countDocuments()).toBe(20_000);
  });

  it("ends right when connections are cut at random after the insert is done", async () => {
    const { db, ref, client } = await openDatabase(replicaSet);
    const random = { failCommands: ["insert", "find", "getMore"], closeConnection: true };
    await fail(client, { activationProbability: 0.2 }, random);
    const source = sourceOf({ name: "c", documents }, { name: "d", documents });
    const { collections } = await restoreInto(ref, source);
    await client.db("admin").command({ configureFailPoint: "failCommand", mode: "off" });
    expect(collections.map(({ verdicts }) => found(verdicts))).toEqual([
      { migrated: 20_000 },
      { migrated: 20_000 },
    ]);
    expect(await db.collection("c").countDocuments()).toBe(20_000);
  });

  it("ends right when the server is killed and comes back", async () => {
    const { ref } = await openDatabase(replicaSet, "killed");
    const many = Array.from({ length: 60_000 }, (_, n) => ({ _id: n, text: "x".repeat(300) }));
    let kill: Promise<void> | undefined;
    const onProgress = () => {
      kill ??= replicaSet.kill9().then(() => replicaSet.restart());
    };
    const source = sourceOf({ name: "c", documents: many });
    const { collections, counters } = await restoreInto(ref, source, { onProgress });
    await kill;
    expect(found(collections[0]?.verdicts)).toEqual({ migrated: 60_000 });
    expect(counters.retries).toBeGreaterThan(0);
    const { db } = await openDatabase(replicaSet, "killed");
    expect(await db.collection("c").countDocuments()).toBe(60_000);
  });
});

describe("faults that do not", () => {
  it("gives up once the budget is spent, and says that the server is away", async () => {
    const { ref, client } = await openDatabase(replicaSet);
    await fail(client, "alwaysOn", { failCommands: ["insert"], closeConnection: true });
    const restored = restoreInto(ref, sourceOf({ name: "c", documents }), { retryBudget: 500 });
    await expect(restored).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
  });

  it("stops at a full disk at once, without a storm of single inserts", async () => {
    const { ref, client } = await openDatabase(replicaSet);
    await fail(client, "alwaysOn", { failCommands: ["insert"], errorCode: 14031 });
    const before = await inserts(client);
    const restored = restoreInto(ref, sourceOf({ name: "c", documents }));
    await expect(restored).rejects.toMatchObject({ code: "E_NO_SPACE" });
    expect((await inserts(client)) - before).toBeLessThanOrEqual(4);
  });
});

describe("a user without the right to bypass validation", () => {
  it("gets what the validator refuses as rejected", async () => {
    const { db, ref, client } = await openDatabase(server, "limited");
    await db.createCollection("c", { validator: { a: { $exists: true } } });
    const user = { createUser: "u", pwd: "p", roles: [{ role: "readWrite", db: "limited" }] };
    await client.db("limited").command(user);
    writeFileSync(
      ref.uriFile,
      `mongodb://u:p@127.0.0.1:${server.port}/?directConnection=true&authSource=limited`,
    );
    const source = sourceOf({ name: "c", documents: [{ _id: 1, a: 1 }, { _id: 2 }] });
    const { collections } = await restoreInto(ref, source);
    expect(found(collections[0]?.verdicts)).toEqual({ migrated: 1, rejected: 1 });
  });

  it("takes it as it was with the right", async () => {
    const { db, ref } = await openDatabase(server, "allowed");
    await db.createCollection("c", { validator: { a: { $exists: true } } });
    const source = sourceOf({ name: "c", documents: [{ _id: 1, a: 1 }, { _id: 2 }] });
    const { collections } = await restoreInto(ref, source);
    expect(found(collections[0]?.verdicts)).toEqual({ migrated: 2 });
  });
});

describe("the writer", () => {
  it("keeps a zero timestamp, also when it replaces", async () => {
    const { db, ref } = await openDatabase(replicaSet);
    const zero = (text: string) =>
      doc(el(2, "_id", str("x")), el(0x11, "t", Buffer.alloc(8)), el(2, "v", str(text)));
    const ledger = memoryLedger();
    await restoreInto(ref, sourceOf({ name: "c", documents: [zero("a")] }), { ledger });
    const second = sourceOf({ name: "c", documents: [zero("b")] });
    const { collections } = await restoreInto(ref, second, { ledger, run: "run-2" });
    expect(found(collections[0]?.verdicts)).toEqual({ updated: 1 });
    const [raw] = await db.collection("c").find({}, { raw: true }).toArray();
    expect(Buffer.from(raw as unknown as Uint8Array)).toEqual(zero("b"));
  });

  it("replaces only what is still as it was compared", async () => {
    const { db, ref } = await openDatabase(replicaSet);
    const destination = await connectDestination(ref);
    onTestFinished(() => destination.close());
    const as = (type: "int" | "double" | "text") =>
      doc(
        el(2, "_id", str("x")),
        {
          int: el(0x12, "v", Buffer.from([5, 0, 0, 0, 0, 0, 0, 0])),
          double: el(0x01, "v", Buffer.from([0, 0, 0, 0, 0, 0, 0x14, 0x40])),
          text: el(2, "$v", str("new")),
        }[type],
      );
    await restoreInto(ref, sourceOf({ name: "c", documents: [as("int")] }));
    const before = await hashesOf(db);
    expect(await destination.replace("c", as("text"), as("double"))).toBe(false);
    expect(await destination.replace("c", as("double"), as("text"))).toBe(false);
    expect(await hashesOf(db)).toEqual(before);
    expect(await destination.replace("c", as("int"), as("text"))).toBe(true);
    const [raw] = await db.collection("c").find({}, { raw: true }).toArray();
    expect(Buffer.from(raw as unknown as Uint8Array)).toEqual(as("text"));
  });
});

async function fail(client: MongoClient, mode: unknown, data: Document) {
  const admin = client.db("admin");
  await admin.command({
    configureFailPoint: "failCommand",
    mode,
    data: { ...data, appName: "migctl" },
  });
  onTestFinished(async () => {
    await admin.command({ configureFailPoint: "failCommand", mode: "off" });
  });
}

async function inserts(client: MongoClient): Promise<number> {
  const status = await client.db("admin").command({ serverStatus: 1 });
  return Number(status["metrics"].commands.insert.total);
}
