import { writeFileSync } from "node:fs";
import type { Db } from "mongodb";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { connectDestination } from "../../src/mongo/connect-destination.ts";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import { failCommands, failPoint, inserts } from "../support/mongod-faults.ts";
import { doc, el, str } from "../support/raw-bson.ts";
import {
  found,
  hashesOf,
  interrupted,
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
    ["the cache is under pressure", { errorCode: 365 }],
    ["the majority does not answer in time", { writeConcernError: { code: 64, errmsg: "later" } }],
  ])("ends right when %s", async (_, fault) => {
    const { db, ref, client } = await openDatabase(replicaSet);
    await failCommands(client, { times: 6 }, { failCommands: ["insert"], ...fault });
    const source = sourceOf({ name: "c", documents });
    const { collections, counters } = await restoreInto(ref, source);
    expect(found(collections[0]?.verdicts)).toEqual({ migrated: 20_000 });
    expect(counters.retries).toBeGreaterThan(0);
    expect(await db.collection("c").countDocuments()).toBe(20_000);
  });

  it("ends right when connections are cut at random after the insert is done", async () => {
    const { db, ref, client } = await openDatabase(replicaSet);
    const random = { failCommands: ["insert", "find", "getMore"], closeConnection: true };
    await failCommands(client, { activationProbability: 0.2 }, random);
    const source = sourceOf({ name: "c", documents }, { name: "d", documents });
    const { collections } = await restoreInto(ref, source);
    await client.db("admin").command({ configureFailPoint: "failCommand", mode: "off" });
    expect(collections.map(({ verdicts }) => found(verdicts))).toEqual([
      { migrated: 20_000 },
      { migrated: 20_000 },
    ]);
    expect(await db.collection("c").countDocuments()).toBe(20_000);
  });

  it("ends right when somebody ends its operations", async () => {
    const { db, ref, client } = await openDatabase(replicaSet);
    const data = { nss: `${db.databaseName}.c`, shouldCheckForInterrupt: true };
    const off = await failPoint(client, "hangDuringBatchInsert", "alwaysOn", data);
    const restoring = restoreInto(ref, sourceOf({ name: "c", documents }));
    await expect.poll(() => insertsUnderWay(db)).not.toEqual([]);
    for (const op of await insertsUnderWay(db)) {
      await client.db("admin").command({ killOp: 1, op });
    }
    await off();
    const { collections, counters } = await restoring;
    expect(found(collections[0]?.verdicts)).toEqual({ migrated: 20_000 });
    expect(counters.retries).toBeGreaterThan(0);
  });

  it("ends right when batches arrive after they were given up", async () => {
    const { db, ref, client } = await openDatabase(replicaSet);
    const slow = { failCommands: ["insert"], blockConnection: true, blockTimeMS: 2000 };
    await failCommands(client, { times: 3 }, slow);
    const destination = await connectDestination(ref, { replyMs: 1000 });
    onTestFinished(() => destination.close());
    const source = sourceOf({ name: "c", documents });
    const { collections, counters } = await restoreInto(ref, source, { destination });
    expect(counters.retries).toBeGreaterThan(0);
    await expect.poll(() => insertsUnderWay(db), { timeout: 5000 }).toEqual([]);
    expect(found(collections[0]?.verdicts)).toEqual({ migrated: 20_000 });
    expect(await db.collection("c").countDocuments()).toBe(20_000);
  });

  it("ends equal when the server is killed five times", async () => {
    const whole = await openDatabase(server, "whole");
    const { ref } = await openDatabase(server, "killed");
    const indexes = [{ v: 2, key: { n: 1 }, name: "n_1" }];
    const many = Array.from({ length: 60_000 }, (_, n) => ({ _id: n, n, text: "x".repeat(60) }));
    const source = sourceOf({ name: "c", documents: many, indexes });
    await restoreInto(whole.ref, source);
    let kills = 0;
    let back = Promise.resolve();
    const killed = interrupted(source, [12, 22, 32, 42, 52], async () => {
      kills++;
      await back;
      await server.kill9();
      back = server.restart();
    });
    const { collections, counters } = await restoreInto(ref, killed);
    await back;
    expect(kills).toBe(5);
    expect(found(collections[0]?.verdicts)).toEqual({ migrated: 60_000 });
    expect(counters.retries).toBeGreaterThan(0);
    const { db } = await openDatabase(server, "killed");
    expect(await hashesOf(db)).toEqual(await hashesOf(whole.db));
    expect(await db.collection("c").indexes()).toMatchObject([{ name: "_id_" }, { name: "n_1" }]);
  });
});

describe("faults that do not", () => {
  it("gives up once the budget is spent, and says that the server is away", async () => {
    const { ref, client } = await openDatabase(replicaSet);
    await failCommands(client, "alwaysOn", { failCommands: ["insert"], closeConnection: true });
    const before = await inserts(client);
    const restored = restoreInto(ref, sourceOf({ name: "c", documents }), { retryBudget: 1500 });
    await expect(restored).rejects.toMatchObject({
      code: "E_UNAVAILABLE",
      message: expect.stringMatching(/^Cannot write to collection "c": .+, after \d+ s of trying/),
      hint: expect.stringContaining("a full disk ends mongod"),
    });
    expect((await inserts(client)) - before).toBeLessThanOrEqual(4 * 8);
  });

  it("stops at a full disk at once, without a storm of single inserts", async () => {
    const { ref, client } = await openDatabase(replicaSet);
    await failCommands(client, "alwaysOn", { failCommands: ["insert"], errorCode: 14031 });
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

/** The server's numbers of the inserts that are at work in the database. */
async function insertsUnderWay(db: Db): Promise<number[]> {
  const ns = `${db.databaseName}.c`;
  const { inprog } = await db.admin().command({ currentOp: 1, active: true, ns, op: "insert" });
  return inprog.map(({ opid }: { opid: number }) => opid);
}
