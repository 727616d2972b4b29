import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openSource, withCommands } from "../../src/mongo/connect.ts";
import { openLegacy } from "../../src/mongo/connect-legacy.ts";
import { readActivity, readConnected } from "../../src/mongo/fingerprint.ts";
import { makeLegacyReader } from "../../src/mongo/source-legacy.ts";
import { readUri } from "../../src/mongo/uri.ts";
import { changesBetween, Fingerprint } from "../../src/plan/fingerprint.ts";
import { run } from "../support/migration.ts";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import { appUser } from "../support/mongod-setup.ts";
import { samplePlan } from "../support/sample-plan.ts";
import { makeDir, removeTree, tempDir } from "../support/temp-dir.ts";

const { database } = appUser;
let folder: string;
beforeAll(() => {
  folder = makeDir();
});
afterAll(() => removeTree(folder));

describe.each(["4.2", "6.0"] as const)("of a source with mongod %s", (version) => {
  let server: RunningMongod;
  let application: MongoClient;
  let dir: string;
  let uriFile: string;
  beforeAll(async () => {
    server = await startMongod({ version, auth: true });
    application = await new MongoClient(server.uri, { appName: "vision" }).connect();
    dir = join(folder, version);
    uriFile = join(folder, `${version}.uri`);
    writeFileSync(uriFile, server.uri, { mode: 0o600 });
    mkdirSync(join(dir, "jane"), { recursive: true });
    writeFileSync(join(dir, "jane/list.txt"), "list");
    const db = application.db(database);
    await db.collection<{ _id: number; n: number }>("Models").insertOne({ _id: 1, n: 1 });
    await db.collection("Tokens").insertOne({ secret: "canary" });
    await db.createCollection("view", { viewOn: "Models", pipeline: [] });
  });
  afterAll(async () => {
    await application?.close();
    await server?.stop();
  });

  const models = () => application.db(database).collection<{ _id: number; n: number }>("Models");

  function planFile(migrationType: "full" | "db" | "files" = "full") {
    const plan = samplePlan({
      migrationType,
      source: { kind: "local", dir, database: { uriFile, database }, identity: "a" },
      workDir: join(dir, "logs/migrations"),
    });
    const path = join(folder, `${version}-${migrationType}.json`);
    writeFileSync(path, JSON.stringify(plan));
    return path;
  }

  async function ask(migrationType?: "full" | "db" | "files"): Promise<Fingerprint> {
    const ran = await run("migmgr", "fingerprint", "--plan", planFile(migrationType), "-o", "json");
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stdout + ran.stderr).not.toContain("canary");
    return Fingerprint.parse(JSON.parse(ran.stdout));
  }

  it("tells counts, sizes and writes of what moves, who the server is and who is connected", async () => {
    const { database: state, files, connected } = await ask();
    expect(state).toMatchObject({
      evidence: "latencyStats",
      collections: { Models: { documents: 1, bytes: expect.any(Number), writes: 1 } },
    });
    expect(Object.keys(state?.collections ?? {})).toEqual(["Models"]);
    expect(state?.process !== undefined).toBe(version !== "4.2");
    expect(files).toMatchObject({ entries: 2, unreadable: 0 });
    expect(connected).toContainEqual({
      ...{ host: "127.0.0.1", application: "vision", connections: expect.any(Number) },
    });
    expect(JSON.stringify(connected)).not.toContain("migctl");
  });

  it("is changed by an update that keeps the size, and by nothing that reads", async () => {
    const before = await ask("db");
    await models().find().toArray();
    await models()
      .aggregate([{ $match: { n: 1 } }])
      .toArray();
    await application.db(database).collection("view").find().toArray();
    expect(changesBetween(before, await ask("db"))).toEqual([]);
    await models().updateOne({ _id: 1 }, { $set: { n: 2 } });
    expect(changesBetween(before, await ask("db"))).toEqual([
      'collection "Models" (+1 write operations)',
    ]);
  });

  it("is not changed by what never moves", async () => {
    const before = await ask("db");
    await application.db(database).collection("Tokens").insertOne({ more: 1 });
    expect(changesBetween(before, await ask("db"))).toEqual([]);
  });

  it("is not changed by our own backup", async () => {
    const before = await ask();
    const archive = join(tempDir(), "a.zip");
    const uri = ["--uri-file", uriFile, "--database", database];
    const ran = await run("migmgr", "db", "backup", ...uri, "--archive", archive);
    expect(ran.code, ran.stderr).toBe(0);
    expect(changesBetween(before, await ask())).toEqual([]);
  });

  it("looks only at the side that moves", async () => {
    expect(await ask("db")).not.toHaveProperty("files");
    expect(await ask("files")).not.toHaveProperty("database");
  });

  if (version === "6.0") {
    it("is changed by a write to a time series", async () => {
      const db = application.db(database);
      await db.createCollection("series", { timeseries: { timeField: "at" } });
      const before = await ask("db");
      await db.collection("series").insertOne({ at: new Date(), v: 1 });
      expect(changesBetween(before, await ask("db"))).toEqual([
        expect.stringMatching(/^collection "series" \(\+1 write operations/),
      ]);
    });
  }

  it("is changed by a restart of the server", async () => {
    const before = await ask("db");
    await server.restart();
    expect(changesBetween(before, await ask("db"))).not.toEqual([]);
  });

  describe("by a server that tells less", () => {
    /** As a server before 3.4 refuses it. */
    function old(opened: Awaited<ReturnType<typeof openSource>>, ...unknown: string[]) {
      const command: typeof opened.command = (one, at) =>
        unknown.some((name) => JSON.stringify(one).includes(name))
          ? Promise.reject(Object.assign(new Error("unknown"), { code: 40_324 }))
          : opened.command(one, at);
      return { ...opened, command };
    }

    async function open(uri: string) {
      const uriFile = join(tempDir(), "uri");
      writeFileSync(uriFile, uri, { mode: 0o600 });
      const opened = await openSource({ uriFile, database });
      onTestFinished(() => opened.source.close());
      return opened;
    }

    it("falls back to what the server counts for who watches over it", async () => {
      const opened = old(await open(server.adminUri), "$collStats");
      const before = await readActivity(opened, ({ name }) => name === "Models");
      await models().updateOne({ _id: 1 }, { $set: { n: 3 } });
      const after = await readActivity(opened, ({ name }) => name === "Models");
      expect(after.evidence).toBe("top");
      const writes = [before, after].map((one) => one.collections["Models"]?.writes ?? -1);
      expect(writes[1]).toBe(writes[0]! + 1);
      expect(after.process).toMatch(version === "4.2" ? /:\d+ \d+$/ : /^[0-9a-f]{24}$/);
    });

    it("falls back to counts and sizes, and says so", async () => {
      const opened = old(await open(server.uri), "$collStats");
      expect(await readActivity(opened, ({ name }) => name === "Models")).toMatchObject({
        evidence: "size",
        collections: { Models: { documents: 1, bytes: expect.any(Number) } },
      });
    });

    it("tells the clients of all users to who may see them, and none where nobody may", async () => {
      const all = await readConnected(await open(server.adminUri));
      expect(all).toContainEqual(expect.objectContaining({ application: "vision" }));
      expect(await readConnected(old(await open(server.uri), "currentOp"))).toBeUndefined();
    });
  });
});

describe("by the driver for old servers", () => {
  it("tells the same", async () => {
    const server = await startMongod({ version: "4.2", auth: true });
    onTestFinished(() => server.stop());
    const client = await new MongoClient(server.uri, { appName: "vision" }).connect();
    onTestFinished(() => client.close());
    await client.db(database).collection("Models").insertOne({ n: 1 });
    const uriFile = join(tempDir(), "uri");
    writeFileSync(uriFile, server.uri, { mode: 0o600 });
    const connection = await openLegacy(await readUri({ uriFile, database }), database, 99);
    const legacy = withCommands(connection, makeLegacyReader(connection));
    const current = await openSource({ uriFile, database });
    onTestFinished(async () => {
      await legacy.source.close();
      await current.source.close();
    });
    const activity = await readActivity(legacy, () => true);
    expect(activity).toEqual(await readActivity(current, () => true));
    expect(activity).toMatchObject({
      evidence: "latencyStats",
      collections: { Models: { writes: 1 } },
    });
    expect(await readConnected(legacy)).toContainEqual(
      expect.objectContaining({ application: "vision" }),
    );
  });
});
