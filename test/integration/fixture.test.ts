import { mkdirSync } from "node:fs";
import { type Document, type Filter, MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { changeServer } from "../fixtures/server/change-server.ts";
import type { ServerName } from "../fixtures/server/context.ts";
import { makeServer, type ServerOptions } from "../fixtures/server/make-server.ts";
import type { Hashes } from "../fixtures/server/oracle.ts";
import {
  datasetCollections,
  groupedCollections,
  ownedCollections,
} from "../fixtures/server/scope-rules.ts";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import { dbHash, rsyncDifferences } from "../support/peers.ts";
import { readHashes } from "../support/read-documents.ts";
import { readTree } from "../support/read-tree.ts";
import { tempDir } from "../support/temp-dir.ts";

let mongod: RunningMongod;
let databases = 0;

beforeAll(async () => {
  mongod = await startMongod({ version: "6.0" });
});

afterAll(() => mongod.stop());

describe.each(["A", "B", "C", "D"] as const)("server %s with all odd cases", (server) => {
  it("has the very documents and files that its oracle lists", async () => {
    const options = place(server);
    const oracle = await makeServer(options);
    await expectStateOf(options, oracle.everything);
    expect(await readTree(options.root)).toMatchObject(oracle.scopes.server.files);
  });
});

it("is the same server again when made with the same seed", async () => {
  const [first, second] = [place("A"), place("A")];
  expect(await makeServer(second)).toEqual(await makeServer(first));
  expect(await dbHash(mongod.uri, second.database)).toEqual(
    await dbHash(mongod.uri, first.database),
  );
  expect(await rsyncDifferences(first.root, second.root)).toEqual([]);
});

it("changes into what its second oracle lists", async () => {
  const options = place("A");
  const before = await makeServer(options);
  const after = await changeServer(options);
  await expectStateOf(options, after.everything);
  const tree = await readTree(options.root);
  expect(tree).toMatchObject(after.scopes.server.files);
  for (const path of after.changes.deletedFiles) expect(tree).not.toHaveProperty([path]);
  const [unseen] = after.changes.unseenFiles;
  const old = before.scopes.server.files[unseen!]!;
  expect(tree[unseen!]).toMatchObject({ size: old.size, mtimeNs: old.mtimeNs });
  expect(tree[unseen!]!.sha256).not.toBe(old.sha256);
});

it("has collections of every kind", async () => {
  const { database } = await made("A");
  const client = new MongoClient(mongod.uri);
  const collections = await client.db(database).listCollections().toArray();
  await client.close();
  const kinds = Object.fromEntries(collections.map(({ name, ...rest }) => [name, rest]));
  expect(kinds).toMatchObject({
    DataSetsByName: { type: "view" },
    ServiceEvents: { options: { capped: true } },
    UploadOperations: { options: { collation: { strength: 2 } } },
    ProjectGroups: { options: { validationAction: "error" } },
    EmptyCollection: { type: "collection" },
    "Foo.bar": { type: "collection" },
  });
});

it("is made on the oldest server, too", async () => {
  const old = await startMongod({ version: "4.2", auth: true });
  try {
    const options = { ...place("A"), mongo: old.uri, database: "DLAAS" };
    const oracle = await makeServer(options);
    expect(await readHashes(old.uri, "DLAAS")).toEqual(oracle.everything);
  } finally {
    await old.stop();
  }
});

it("puts into each scope what the server finds by its fields", async () => {
  const { database, oracle } = await made("A");
  const client = new MongoClient(mongod.uri);
  const db = client.db(database);
  const count = async (collections: ReadonlySet<string>, filter: Filter<Document>) => {
    const numbers = [...collections].map((name) => db.collection(name).countDocuments(filter));
    return (await Promise.all(numbers)).reduce((sum, number) => sum + number, 0);
  };
  const members = async (filter: Filter<Document>) => {
    const datasets = await db.collection("DataSets").find(filter).toArray();
    const ids = datasets.map(({ _id }) => String(_id));
    return count(datasetCollections, { dataset_id: { $in: ids } });
  };
  for (const [owner, scope] of Object.entries(oracle.scopes.users)) {
    const found = (await count(ownedCollections, { owner })) + (await members({ owner }));
    expect([owner, size(scope.documents)]).toEqual([owner, found]);
  }
  for (const [id, scope] of Object.entries(oracle.scopes.projectGroups)) {
    const filter = { project_group_id: id };
    const found = (await count(groupedCollections, filter)) + (await members(filter));
    expect([id, size(scope.documents)]).toEqual([id, found + 1]);
  }
  await client.close();
});

function size(hashes: Hashes): number {
  return Object.values(hashes).reduce((sum, members) => sum + Object.keys(members).length, 0);
}

function place(server: ServerName): ServerOptions & { root: string; database: string } {
  const root = `${tempDir()}/data`;
  mkdirSync(root);
  const database = `DLAAS_${databases++}`;
  return { seed: "test", size: "s", server, mongo: mongod.uri, root, database };
}

async function made(server: ServerName) {
  const options = place(server);
  return { ...options, oracle: await makeServer(options) };
}

async function expectStateOf(options: { database: string }, expected: object): Promise<void> {
  expect(await readHashes(mongod.uri, options.database)).toEqual(expected);
}
