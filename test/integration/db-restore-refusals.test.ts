import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { MigrationError } from "../../src/core/errors.ts";
import { openFindings } from "../../src/mongo/restore-findings.ts";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import { blockWrites, failCommands, failPoint, inserts } from "../support/mongod-faults.ts";
import {
  found,
  hashesOf,
  interrupted,
  memoryLedger,
  openDatabase,
  restoreInto,
  sourceOf,
} from "../support/restore-bed.ts";
import { tempDir } from "../support/temp-dir.ts";
import { mountSmall } from "./files-rig.ts";

let server: RunningMongod;
beforeAll(async () => {
  server = await startMongod({ version: "6.0", replicaSet: "rs" });
});
afterAll(() => server.stop());

const documents = Array.from({ length: 10_000 }, (_, n) => ({
  _id: `d${n}`,
  text: "x".repeat(100),
}));
const source = sourceOf({ name: "c", documents });
const batchesInFlight = 4;

describe("a server that blocks writes", () => {
  const blocked = { code: "E_REFUSED", exitCode: 6, fields: { serverCode: 371 } };

  it.each([
    ["is there", true],
    ["is not there", false],
  ])("ends the restore where the collection %s, and rejects no document", async (_, isThere) => {
    const { db, ref, client } = await openDatabase(server);
    if (isThere) await db.createCollection("c");
    const release = await blockWrites(client);
    const attempt = { out: tempDir(), ledger: memoryLedger() };
    const before = await inserts(client);
    await expect(restoreInto(ref, source, attempt)).rejects.toMatchObject(blocked);
    expect((await inserts(client)) - before).toBeLessThanOrEqual(batchesInFlight);
    expect(rejected(attempt.out)).toBe("");
    await release();
    const { collections } = await restoreInto(ref, source, attempt);
    expect(found(collections[0]?.verdicts)).toEqual({ migrated: 10_000 });
  });

  it("ends equal after the release when it begins to block in the middle", async () => {
    const { db, ref, client } = await openDatabase(server);
    const whole = await openDatabase(server);
    // What is recorded in the ledger at once is read before any of it is sent.
    const documents = Array.from({ length: 20_000 }, (_, n) => ({ _id: n }));
    const long = sourceOf({ name: "c", documents });
    await restoreInto(whole.ref, long);
    const attempt = { out: tempDir(), ledger: memoryLedger() };
    let release = async () => {};
    const blocking = interrupted(long, [15], async () => {
      release = await blockWrites(client);
    });
    await expect(restoreInto(ref, blocking, attempt)).rejects.toMatchObject(blocked);
    expect(rejected(attempt.out)).toBe("");
    expect(await db.collection("c").countDocuments()).toBeGreaterThan(0);
    await release();
    const { collections } = await restoreInto(ref, long, attempt);
    expect(found(collections[0]?.verdicts)).toEqual({ migrated: 20_000 });
    expect(await hashesOf(db)).toEqual(await hashesOf(whole.db));
  });

  it("rejects no document that was to be replaced", async () => {
    const { db, ref, client } = await openDatabase(server);
    const ledger = memoryLedger();
    await restoreInto(ref, sourceOf({ name: "c", documents: [{ _id: 1, n: 1 }] }), { ledger });
    const release = await blockWrites(client);
    const second = sourceOf({ name: "c", documents: [{ _id: 1, n: 2 }] });
    const attempt = { out: tempDir(), ledger, run: "run-2" };
    await expect(restoreInto(ref, second, attempt)).rejects.toMatchObject(blocked);
    expect(rejected(attempt.out)).toBe("");
    await release();
    const { collections } = await restoreInto(ref, second, attempt);
    expect(found(collections[0]?.verdicts)).toEqual({ updated: 1 });
    expect(await db.collection("c").findOne()).toMatchObject({ n: 2 });
  });
});

describe("a server that answers with a code that says nothing of a document", () => {
  it("ends the restore with the server's words when no document of a batch is taken", async () => {
    const { db, ref, client } = await openDatabase(server);
    const collectionNS = `${db.databaseName}.c`;
    const off = await failPoint(client, "failCollectionInserts", "alwaysOn", { collectionNS });
    const attempt = { out: tempDir(), ledger: memoryLedger() };
    const before = await inserts(client);
    await expect(restoreInto(ref, source, attempt)).rejects.toMatchObject({
      code: "E_UNEXPECTED",
      message: expect.stringContaining("failCollectionInserts"),
      fields: { collection: "c", serverCode: 192 },
    });
    expect((await inserts(client)) - before).toBeLessThanOrEqual(batchesInFlight);
    expect(rejected(attempt.out)).toBe("");
    await off();
    const { collections } = await restoreInto(ref, source, attempt);
    expect(found(collections[0]?.verdicts)).toEqual({ migrated: 10_000 });
    expect(await db.collection("c").countDocuments()).toBe(10_000);
  });

  it("rejects a document for it where the same batch brings others in", async () => {
    const { db, ref, client } = await openDatabase(server);
    const data = { collectionNS: `${db.databaseName}.c` };
    // The server tries some together first, and then each of them.
    await failPoint(client, "failCollectionInserts", { times: 2 }, data);
    const batch = sourceOf({ name: "c", documents: documents.slice(0, 1000) });
    const { collections, out } = await restoreInto(ref, batch);
    expect(found(collections[0]?.verdicts)).toEqual({ migrated: 999, rejected: 1 });
    expect(JSON.parse(rejected(out))).toMatchObject({ id: "d0", code: 192 });
  });

  it("ends the restore when it refuses every replacement of a batch", async () => {
    const { db, ref, client } = await openDatabase(server);
    const ledger = memoryLedger();
    await restoreInto(ref, sourceOf({ name: "c", documents: [{ _id: 1, n: 1 }] }), { ledger });
    await failCommands(client, "alwaysOn", { failCommands: ["findAndModify"], errorCode: 1 });
    const second = sourceOf({ name: "c", documents: [{ _id: 1, n: 2 }] });
    const attempt = { out: tempDir(), ledger, run: "run-2" };
    await expect(restoreInto(ref, second, attempt)).rejects.toMatchObject({ code: "E_UNEXPECTED" });
    expect(rejected(attempt.out)).toBe("");
    expect(await db.collection("c").findOne()).toMatchObject({ n: 1 });
  });
});

describe("a work volume that is full", () => {
  it.for(["keep-destination", "overwrite"] as const)(
    "is told as such with the policy %s, and the restore ends right when it has grown",
    async (policy, { skip }) => {
      const { db, ref } = await openDatabase(server);
      const some = documents.slice(0, 2000);
      await db.collection("c").insertMany(some.map(({ _id }) => ({ _id: _id as never, n: 1 })));
      const out = tempDir();
      if (!mountSmall(out, "64k")) skip("no small volume can be mounted here");
      const few = sourceOf({ name: "c", documents: some });
      const attempt = { out, ledger: memoryLedger(), policy };
      const failure = await restoreInto(ref, few, attempt).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "E_NO_SPACE", exitCode: 5 });
      const { message, fields } = failure as MigrationError;
      expect(message).toContain(`"${out}"`);
      expect(message).not.toContain("Cannot write to collection");
      expect(fields["neededBytes"]).toBeGreaterThan(Number(fields["freeBytes"]));
      execFileSync("mount", ["-o", "remount,size=64m", out]);
      const { collections } = await restoreInto(ref, few, attempt);
      const verdict = policy === "overwrite" ? "updated" : "conflict";
      expect(found(collections[0]?.verdicts)).toEqual({ [verdict]: 2000 });
      const lines = readFileSync(join(out, "conflicts.ndjson"), "utf8").trim().split("\n");
      const ordinals = lines.map((line) => Number(JSON.parse(line).ordinal));
      expect(ordinals.toSorted((one, other) => one - other)).toEqual(some.map((_, n) => n));
    },
  );

  it("keeps half a line the last one of its list", async ({ skip }) => {
    const out = tempDir();
    if (!mountSmall(out, "64k")) skip("no small volume can be mounted here");
    const findings = await openFindings(out, async () => true);
    onTestFinished(() => findings.close());
    const finding = (ordinal: number, reason: string) => {
      const outcome = { verdict: "rejected", reject: { reason, bytes: Buffer.alloc(0) } } as const;
      return { ordinal, id: undefined, outcome };
    };
    const large = findings.add("c", [finding(1, "x".repeat(100_000))]);
    await expect(large).rejects.toMatchObject({ code: "E_NO_SPACE" });
    execFileSync("mount", ["-o", "remount,size=1m", out]);
    await expect(findings.add("c", [finding(2, "y")])).rejects.toMatchObject({
      code: "E_NO_SPACE",
    });
    expect(rejected(out)).not.toContain("y");
  });
});

describe.runIf(process.env["MIGCTL_TEST_LARGE"])("a server whose disk is full", () => {
  it("ends, which is told as such, and the restore ends equal once it has grown", async ({
    skip,
  }) => {
    const volume = tempDir();
    if (!mountSmall(volume, "200m")) skip("no small volume can be mounted here");
    const extraArgs = ["--wiredTigerEngineConfigString", "log=(file_max=4MB,prealloc=false)"];
    const small = await startMongod({ version: "6.0", dbPath: volume, extraArgs });
    onTestFinished(() => small.stop());
    const random = Array.from({ length: 25_000 }, (_, n) => ({ _id: n, bytes: randomBytes(8000) }));
    const much = sourceOf({ name: "c", documents: random });
    const { ref } = await openDatabase(small, "full");
    const attempt = { out: tempDir(), ledger: memoryLedger() };
    const failing = restoreInto(ref, much, { ...attempt, retryBudget: 3000 });
    await expect(failing).rejects.toMatchObject({
      code: "E_UNAVAILABLE",
      hint: expect.stringContaining("a full disk ends mongod"),
    });
    expect(readFileSync(small.logPath, "utf8")).toContain("No space left on device");
    execFileSync("mount", ["-o", "remount,size=900m", volume]);
    await small.restart();
    const { collections } = await restoreInto(ref, much, attempt);
    expect(found(collections[0]?.verdicts)).toEqual({ migrated: 25_000 });
    expect(rejected(attempt.out)).toBe("");
    const whole = await openDatabase(small, "whole");
    await restoreInto(whole.ref, much);
    const { db } = await openDatabase(small, "full");
    expect(await hashesOf(db)).toEqual(await hashesOf(whole.db));
  });
});

function rejected(out: string): string {
  return readFileSync(join(out, "rejected.ndjson"), "utf8");
}
