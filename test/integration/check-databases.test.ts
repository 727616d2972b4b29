import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { checkDatabases } from "../../src/workers/check-databases.ts";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import { appUser } from "../support/mongod-setup.ts";
import { tempDir } from "../support/temp-dir.ts";

let old: RunningMongod;
let later: RunningMongod;
beforeAll(async () => {
  old = await startMongod({ version: "4.2", auth: true });
  later = await startMongod({ version: "4.4", auth: true });
});
afterAll(async () => {
  await old?.stop();
  await later?.stop();
});

function refOf(uri: string, database: string = appUser.database) {
  const uriFile = join(tempDir(), "uri");
  writeFileSync(uriFile, uri);
  return { uriFile, database };
}

function check(source: string, destination: string, database?: string) {
  return checkDatabases(refOf(source, database), refOf(destination, database), {});
}

async function admin(server: RunningMongod): Promise<MongoClient> {
  const client = await MongoClient.connect(server.adminUri);
  onTestFinished(() => client.close());
  return client;
}

/** All that there is, so that anything that was written shows. */
async function collectionsOf(server: RunningMongod): Promise<string[]> {
  const client = await admin(server);
  const { databases } = await client.db().admin().listDatabases();
  const names: string[] = [];
  for (const { name } of databases) {
    // Sessions are kept there by the server itself.
    if (name === "config") continue;
    const found = await client.db(name).collections();
    names.push(...found.map((one) => one.namespace));
  }
  return names.sort();
}

const renamed = (uri: string) => uri.replace("127.0.0.1", "localhost");

describe("the same server under another name", () => {
  it.each([
    ["4.2", () => old],
    ["4.4", () => later],
  ])("of %s is told without a single collection, and nothing is written", async (_, serverOf) => {
    const server = serverOf();
    const before = await collectionsOf(server);
    await expect(check(server.adminUri, renamed(server.adminUri), "Empty")).rejects.toMatchObject({
      code: "E_SAME_SERVER",
      exitCode: 6,
    });
    expect(await collectionsOf(server)).toEqual(before);
  });

  it("of 4.2 is told by its collections where the user may not ask more", async () => {
    const client = await admin(old);
    await client.db(appUser.database).createCollection("Some");
    onTestFinished(async () => void (await client.db(appUser.database).dropCollection("Some")));
    await expect(check(old.uri, renamed(old.uri))).rejects.toMatchObject({ code: "E_SAME_SERVER" });
  });

  it("is not taken for two servers of one machine, nor for two databases of one server", async () => {
    const facts = { source: { version: "4.2.6" }, destination: { version: "4.4.2" } };
    expect(await check(old.adminUri, later.adminUri)).toMatchObject(facts);
    const [one, two] = [refOf(old.adminUri, "one"), refOf(old.adminUri, "two")];
    expect(await checkDatabases(one, two, {})).toMatchObject({ warnings: [] });
  });
});

describe("a destination's user", () => {
  const resource = (collection: string) => ({ db: appUser.database, collection });
  const readWrite = [
    ...["find", "insert", "update", "listCollections", "listIndexes", "collStats"],
    ...["createCollection", "createIndex", "dropCollection"],
  ];
  const without = (...actions: string[]) => readWrite.filter((one) => !actions.includes(one));

  it.each([
    {
      what: "may only read",
      privileges: [{ resource: resource(""), actions: ["find", "listCollections"] }],
      says: "may not insert, update, listIndexes, createCollection, createIndex, dropCollection, collStats in",
    },
    {
      what: "lacks one action",
      privileges: [{ resource: resource(""), actions: without("createIndex") }],
      says: 'may not createIndex in database "DLAAS"',
    },
    {
      what: "has rights on single collections",
      privileges: [
        { resource: resource(""), actions: ["listCollections"] },
        { resource: resource("DataSets"), actions: without("listCollections") },
      ],
      says: 'dropCollection, collStats in database "DLAAS", but in single collections',
    },
  ])("who $what is refused before anything is written", async ({ what, privileges, says }) => {
    const client = await admin(later);
    const name = what.replaceAll(" ", "-");
    await client.db("admin").command({ createRole: name, privileges, roles: [] });
    await client.db("admin").command({ createUser: name, pwd: "canary", roles: [name] });
    const before = await collectionsOf(later);
    const uri = `mongodb://${name}:canary@127.0.0.1:${later.port}/?authSource=admin`;
    await expect(check(old.uri, uri)).rejects.toMatchObject({
      ...{ code: "E_PERMISSION", exitCode: 4 },
      message: expect.stringContaining(says),
      hint: expect.stringContaining("grantRolesToUser"),
    });
    expect(await collectionsOf(later)).toEqual(before);
  });
});

it("refuses a destination that is set to refuse documents of the source", async () => {
  const lower = await startMongod({ version: "4.2" });
  onTestFinished(() => lower.stop());
  const client = await admin(lower);
  await client.db("admin").command({ setFeatureCompatibilityVersion: "4.0" });
  await client.db("T").collection("c").createIndex({ a: 1 });
  // This is what is told: the source takes it.
  const long = client
    .db("T")
    .collection("c")
    .insertOne({ a: "x".repeat(2000) });
  await expect(long).rejects.toMatchObject({ code: 17280 });
  await expect(check(old.adminUri, lower.uri)).rejects.toMatchObject({
    ...{ code: "E_VERSION", exitCode: 6 },
    message: expect.stringContaining(
      "featureCompatibilityVersion 4.0 is lower than the source's 4.2",
    ),
  });
});
