import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Db, type Document, MongoClient } from "mongodb";
import { expect } from "vitest";
import { programs, run } from "../support/migration.ts";
import type { RunningMongod } from "../support/mongod.ts";
import { tempDir } from "../support/temp-dir.ts";

const application = `
application: shop
database: SHOP
mount: /data
scopes: { user: { directories: ["{user}"] } }
collections:
  Models: { scopes: { user: owner }, files: [{ directory: "{owner}/models/{_id}" }] }
  Notes: { scopes: { user: owner } }
never: { collections: [Tokens], paths: [logs] }
after: [{ clear: cache, because: it is old }]
`;

type Model = Document & { _id: string | number };

/** A small shop, its source and its destination in two databases of one server. */
export interface Shop {
  source: Db;
  destination: Db;
  from: string;
  to: string;
  flags: string[];
  close(): Promise<void>;
}

let shops = 0;

/** Two users: each has two models with a folder of files, and a note. */
export async function openShop(mongod: RunningMongod): Promise<Shop> {
  const folder = tempDir();
  const [from, to] = [join(folder, "from"), join(folder, "to")];
  for (const dir of [from, to]) mkdirSync(dir);
  const number = ++shops;
  const [sourceName, destinationName] = [`S${number}`, `D${number}`];
  const client = await MongoClient.connect(mongod.uri);
  const source = client.db(sourceName);
  for (const owner of ["jane", "bob"]) {
    for (const at of [1, 2]) {
      const _id = `${owner}-${at}`;
      await source.collection<Model>("Models").insertOne({ _id, owner, name: "old" });
      put(from, `${owner}/models/${_id}/weights`, `weights of ${_id}`);
      put(from, `${owner}/models/${_id}/deep/labels`, "labels");
    }
    await source.collection<Model>("Notes").insertOne({ _id: `note of ${owner}`, owner });
  }
  await source.collection("Notes").createIndex({ owner: 1 }, { name: "by-owner" });
  await source.createCollection("Views", {
    viewOn: "Models",
    pipeline: [{ $project: { name: 1 } }],
  });
  const [file, uri] = [join(folder, "shop.yaml"), join(folder, "uri")];
  writeFileSync(file, application);
  writeFileSync(uri, mongod.uri);
  const flags = [
    ...["--application", file, "--source-dir", from, "--dest-dir", to],
    ...["--source-uri-file", uri, "--dest-uri-file", uri],
    ...["--source-database", sourceName, "--dest-database", destinationName],
  ];
  const destination = client.db(destinationName);
  return { source, destination, from, to, flags, close: () => client.close() };
}

export function put(root: string, path: string, content: string) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

export function drop(root: string, path: string) {
  rmSync(join(root, path), { recursive: true });
}

export function start(shop: Shop, ...more: string[]) {
  return run("migctl", "start", ...shop.flags, ...more);
}

interface Content {
  documents: Document[];
}

/** Everything of a database: what is in its collections, and their indexes and options. */
export async function contentOf(db: Db): Promise<Record<string, Content>> {
  const content: Record<string, Content> = {};
  for (const { name, type, options } of (await db.listCollections().toArray()) as Document[]) {
    if (String(name).startsWith("system.")) continue;
    const documents = await db.collection(name).find().sort({ _id: 1 }).toArray();
    const indexes = type === "view" ? [] : await db.collection(name).indexes();
    content[name] = Object.assign({ documents }, { type, options, indexes });
  }
  return content;
}

/** Runs a program that is killed where a failpoint says. */
export async function killedAt(
  failpoint: string,
  program: keyof typeof programs,
  ...args: string[]
): Promise<void> {
  const child = spawn(process.execPath, [programs[program], ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    env: {
      ...process.env,
      ...{ MIGCTL_ENABLE_FAILPOINTS: "1", MIGCTL_FAILPOINTS: `${failpoint}` },
    },
  });
  child.stderr.resume();
  const [code] = await once(child, "close");
  expect([0, 3], `${failpoint} was passed`).not.toContain(code);
}
