import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { BSON, type Db } from "mongodb";
import { afterAll, beforeAll, expect, it } from "vitest";
import { errorCodes } from "../../src/core/errors.ts";
import type { Archive } from "../../src/mongo/archive/open.ts";
import { documentsOf, rawField } from "../../src/mongo/bson-walk.ts";
import { anyOf } from "../../src/mongo/selection.ts";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import { tempDir } from "../support/temp-dir.ts";
import { backUp, database, failCommands, sortedHashes, wholeOf, withDb } from "./backup-rig.ts";

/** Each fills a reply, so that there are as many commands to be cut. */
const large = 20;
const filler = "x".repeat(2_200_000);
const closeConnection = true;

let server: RunningMongod;
beforeAll(async () => {
  server = await startMongod({ version: "6.0" });
  await withDb(server, seed);
});
afterAll(() => server?.stop());

async function seed(db: Db) {
  const documents = Array.from({ length: large }, (_, i) => ({ owner: `user${i}`, filler }));
  await db.collection("large").insertMany(documents, { writeConcern: { w: 1, j: true } });
  await db.collection("capped").drop();
  await db.createCollection("capped", { capped: true, size: 16_777_216 });
  await db.collection("capped").insertMany(documents.slice(0, 5));
  const small = Array.from({ length: 400 }, (_, i) => ({ owner: `user${i % 40}` }));
  await db.collection("small").insertMany(small);
}

it.each([0.05, 0.2])(
  "ends equal when %d of all replies are cut off",
  async (activationProbability) => {
    const commands = { failCommands: ["find", "getMore"], closeConnection };
    await failCommands(server, { activationProbability }, commands);
    const { archive, output } = await backUp(server, {
      names: ["large", "capped"],
      compression: "store",
    });
    await failCommands(server, "off");
    await archive.check();
    for (const name of ["large", "capped"]) await expectEqual(archive, name);
    expect(output).toMatchObject({ documents: large + 5, sourceChanges: [] });
  },
);

it("ends equal for a part of a collection too", async () => {
  const owners = Array.from({ length: 40 }, (_, i) => ownerValue(`user${i}`));
  const filters = owners.flatMap((owner) => anyOf("owner", [owner]));
  const commands = { failCommands: ["find", "getMore"], closeConnection };
  await failCommands(server, { activationProbability: 0.2 }, commands);
  const { archive, output } = await backUp(server, { names: ["small"], filters });
  await failCommands(server, "off");
  await expectEqual(archive, "small");
  expect(output.retries).toBeGreaterThan(0);
});

it("goes on where it was when the server is killed at 10, 50 and 90 % of the bytes", async () => {
  const kills = [0.1, 0.5, 0.9];
  let back = Promise.resolve();
  const { archive, output, reports } = await backUp(server, {
    names: ["large"],
    compression: "store",
    onReport({ bytes: { done, total = 0 } = { done: 0 } }) {
      if (done === 0 || done < (kills[0] ?? Infinity) * total) return;
      kills.shift();
      back = back.then(() => server.kill9()).then(() => server.restart());
    },
  });
  await back;
  expect(kills).toEqual([]);
  await archive.check();
  await expectEqual(archive, "large");
  expect(output.retries).toBeGreaterThanOrEqual(3);
  expect(output.sourceChanges).toEqual(["the database server was restarted"]);
  const done = reports.map(({ documents }) => documents?.done ?? 0);
  expect(done).toEqual([...done].sort((a, b) => a - b));
});

it.each(["find", "getMore"])(
  "goes on after a %s that hangs, and has no document twice",
  async (command) => {
    const hanging = { blockConnection: true, blockTimeMS: 3000 };
    await failCommands(server, { times: 1 }, { failCommands: [command], ...hanging });
    const { archive, output } = await backUp(server, {
      names: ["large"],
      compression: "store",
      context: { readMs: 1000 },
    });
    await failCommands(server, "off");
    expect(output.documents).toBe(large);
    expect(output.retries).toBeGreaterThan(0);
    await expectEqual(archive, "large");
  },
);

it("begins although the source goes away while it is opened", async () => {
  const commands = { failCommands: ["buildInfo"], closeConnection };
  await failCommands(server, { times: 2 }, commands);
  const { archive } = await backUp(server, { names: ["small"] });
  await expectEqual(archive, "small");
});

it("gives up once the source was away for as long as it may be, and leaves nothing", async () => {
  const folder = tempDir();
  const commands = { failCommands: ["find", "getMore"], closeConnection };
  await failCommands(server, { skip: 1 }, commands);
  const started = performance.now();
  const given = { names: ["large"], folder, context: { retryBudget: 1000 } };
  const error = await backUp(server, given).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  await failCommands(server, "off");
  expect(error).toMatchObject({ code: "E_UNAVAILABLE" });
  expect(errorCodes.E_UNAVAILABLE.exit).toBe(5);
  expect(performance.now() - started).toBeGreaterThan(1000);
  expect(readdirSync(folder)).toEqual([]);
});

it("holds what was there all the time once, and says that somebody wrote meanwhile", async () => {
  const commands = { failCommands: ["find", "getMore"], closeConnection };
  await failCommands(server, { activationProbability: 0.2 }, commands);
  const stop = new AbortController();
  const writing = withDb(server, (db) => writeUntil(db, stop.signal));
  const { archive, output } = await backUp(server, { names: ["large"], compression: "store" });
  stop.abort();
  const writes = await writing;
  await failCommands(server, "off");
  expect(writes).toBeGreaterThan(0);
  await archive.check();
  const seen = new Map<string, number>();
  for (const owner of ownersIn(await wholeOf(archive.read(`${database}/large.bson`)))) {
    seen.set(owner, (seen.get(owner) ?? 0) + 1);
  }
  for (let i = 0; i < large; i++) expect(seen.get(`user${i}`)).toBe(1);
  expect(output.sourceChanges).toEqual([
    expect.stringMatching(/^collection "large" \(\+\d+ write operations/),
  ]);
});

/** Changes documents that stay, and lets others come and go between them. */
async function writeUntil(db: Db, signal: AbortSignal): Promise<number> {
  const collection = db.collection("large");
  for (let writes = 0; ; writes++) {
    if (signal.aborted) return writes;
    await collection.updateOne({ owner: `user${writes % large}` }, { $set: { n: writes } });
    const { insertedId } = await collection.insertOne({ owner: "passing", b: randomBytes(1000) });
    await collection.deleteOne({ _id: insertedId });
  }
}

async function expectEqual(archive: Archive, name: string) {
  const live = await withDb(server, async (db) => {
    const documents = await db.collection(name).find({}, { raw: true }).toArray();
    return Buffer.concat(documents.map((document) => Buffer.from(document as unknown as Buffer)));
  });
  const read = await wholeOf(archive.read(`${database}/${name}.bson`));
  expect(sortedHashes(read)).toEqual(sortedHashes(live));
}

function* ownersIn(data: Buffer) {
  for (const document of documentsOf({ data, count: 0 })) {
    yield String(BSON.deserialize(document)["owner"]);
  }
}

function ownerValue(owner: string) {
  return rawField(Buffer.from(BSON.serialize({ owner })), "owner")!;
}
