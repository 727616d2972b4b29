import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Document, MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type MadeSide, madeSide, type Ran, run } from "../support/migration.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

/** What every site has: names of collections, fields, types and folders of the application. */
const shapeWords = new Set([
  ...["datasets", "files", "thumbnails", "trained-models", "dnn-scripts", "inferences", "logs"],
  ...["._init", "lost+found", "times", "double", "int32", "int64", "string", "document", "array"],
  ...["place", "folders", "bytes", "endings", "links", "special", "deepest", "collections", "tree"],
  ...["name", "type", "documents", "indexes", "keys", "unique", "sampled", "fields", "path"],
  ...["types", "frequency", "collection", "view", "other", "true", "false"],
]);

let folder: string;
let source: MadeSide;
let table: Ran;
let json: Ran;
let documents: Document[];

beforeAll(async () => {
  folder = makeDir();
  source = await madeSide(join(folder, "a"), { server: "A", version: "4.4", cases: "all" });
  await addCanaries();
  addCanaryFiles();
  documents = await readAll();
  const both = ["--dir", source.dir, "--uri-file", source.uriFile, "--database", "DLAAS"];
  table = await run("migmgr", "inspect", ...both);
  json = await run("migmgr", "inspect", ...both, "-o", "json");
});
afterAll(async () => {
  await source.mongod.stop();
  removeTree(folder);
});

/** In every place of a database that may hold a value. */
async function addCanaries() {
  const client = new MongoClient(source.mongod.uri);
  const db = client.db("DLAAS");
  const id = "5d2f0b6e-canary-4b0e";
  await db.createCollection("Canaries", {
    validator: { note: { $ne: "canary-validator" } },
    collation: { locale: "en" },
  });
  await db.collection<{ _id: string } & Document>("Canaries").insertOne({
    _id: `canary-${id}`,
    text: "canary-text",
    nested: { deep: [{ text: "canary-nested" }] },
    byId: { [id]: { done: true }, "canary jane@corp.com": 1, "0123456789abcdef": 2 },
    byNumber: { "20201231": 1 },
  });
  await db
    .collection("Canaries")
    .createIndex(
      { text: 1, "nested.deep.text": -1 },
      { name: "by_text", partialFilterExpression: { text: "canary-filter" } },
    );
  await db.createCollection("CanaryView", {
    viewOn: "Canaries",
    pipeline: [{ $match: { text: "canary-pipeline" } }],
  });
  await client.close();
}

function addCanaryFiles() {
  const place = join(source.dir, "canary.person/datasets");
  mkdirSync(place, { recursive: true });
  for (const name of ["canary", ".canary", "photo.canry", "x.jane", "picture.jpg"]) {
    writeFileSync(join(place, name), "canary-content");
  }
  symlinkSync("/canary-target", join(place, "canary-link"));
}

async function readAll(): Promise<Document[]> {
  const client = new MongoClient(source.mongod.uri, {
    enableUtf8Validation: false,
    bsonRegExp: true,
  });
  const all: Document[] = [];
  for (const { name } of await client.db("DLAAS").listCollections().toArray()) {
    if (name.startsWith("system.")) continue;
    all.push(...(await client.db("DLAAS").collection(name).find().toArray()));
  }
  await client.close();
  return all;
}

interface Leaves {
  keys: Set<string>;
  values: Set<string>;
}

/** Names and values of everything in the documents; short values are parts of any word. */
function leavesOf(value: unknown, into: Leaves) {
  if (typeof value === "string" && value.length >= 5) into.values.add(value);
  if (typeof value === "number" && value > 1e9) into.values.add(String(value));
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (!Array.isArray(value)) into.keys.add(key);
    leavesOf(inner, into);
  }
}

/** What must not be seen: owners, ids, parts of paths, and all values of documents. */
function secrets(): string[] {
  const { oracle } = source;
  const paths = Object.keys(oracle.scopes.server.files).flatMap((path) => path.split("/"));
  const ids = Object.values(oracle.everything).flatMap((all) => Object.keys(all));
  const leaves: Leaves = { keys: new Set(), values: new Set() };
  for (const document of documents) leavesOf(document, leaves);
  const names = [...oracle.users, ...oracle.projectGroups, ...paths, ...leaves.values];
  const all = new Set([...names, ...ids.map((id) => id.replace(/^[a-z]+\d*:/, "")), "canary"]);
  const isShape = (text: string) => shapeWords.has(text) || leaves.keys.has(text);
  return [...all].filter((text) => text.length >= 4 && !isShape(text));
}

/** Every text that was printed, apart from its numbers. */
function wordsOf(ran: Ran): Set<string> {
  return new Set(ran.stdout.split(/[\s"',:[\]{}]+/));
}

describe.each([
  ["the table", () => table],
  ["JSON", () => json],
] as const)("as %s", (_format, get) => {
  it("shows no value, id, owner or file name", () => {
    const ran = get();
    expect(ran.code).toBe(0);
    const all = secrets();
    expect(all.length).toBeGreaterThan(1500);
    const words = wordsOf(ran);
    const isThere = (text: string) =>
      // Whatever is long or has more than letters cannot be in there by chance.
      text.length >= 12 || /[^A-Za-z0-9_]/.test(text) ? ran.stdout.includes(text) : words.has(text);
    expect(all.filter(isThere)).toEqual([]);
    expect(ran.stdout + ran.stderr).not.toMatch(/canary|canry|jane|[0-9a-f]{8}-[0-9a-f]{4}/);
  });

  it("shows collections, fields with their types, and the keys of indexes", () => {
    const { stdout } = get();
    const texts = ["DataSetFileObjectLabels", "DataSetsByName", "Foo.bar", "meta_data.width"];
    texts.push(
      "tag_list[]",
      "one_tag_per_name",
      "normalized_name",
      "hashed",
      "int64",
      "byId.<key>",
    );
    for (const text of texts) expect.soft(stdout).toContain(text);
  });

  it("shows the shape of the tree", () => {
    const { stdout } = get();
    const texts = [
      "<name>/datasets/<id>/files",
      "<name>/trained-models/thumbnails",
      ".jpg",
      ".mp4",
    ];
    for (const text of [...texts, "inferences/<id>"]) expect.soft(stdout).toContain(text);
  });
});

it("tells of each collection how many documents it has, and the types of a field", () => {
  const { collections } = JSON.parse(json.stdout);
  const of = (wanted: string) => collections.find(({ name }: Document) => name === wanted);
  const labels = of("DataSetFileObjectLabels");
  const { everything } = source.oracle;
  expect(labels.documents).toBe(Object.keys(everything["DataSetFileObjectLabels"] ?? {}).length);
  expect(of("Canaries").indexes).toContainEqual({
    name: "by_text",
    keys: { text: "1", "nested.deep.text": "-1" },
    unique: false,
  });
  expect(of("Canaries").fields).toContainEqual({
    path: "nested.deep[].text",
    types: { string: 1 },
    frequency: 1,
  });
});

it("counts the tree's files by place", () => {
  const { tree } = JSON.parse(json.stdout);
  const files = tree.reduce((sum: number, place: { files: number }) => sum + place.files, 0);
  const expected = Object.values(source.oracle.scopes.server.files);
  expect(files).toBeGreaterThanOrEqual(expected.filter(({ type }) => type === "file").length);
});

it("takes the tree alone, or the database alone, but not nothing", async () => {
  const tree = JSON.parse(
    (await run("migmgr", "inspect", "--dir", source.dir, "-o", "json")).stdout,
  );
  expect(tree).toMatchObject({ collections: [], tree: expect.arrayContaining([]) });
  expect(tree.tree.length).toBeGreaterThan(10);
  const alone = ["--uri-file", source.uriFile, "-o", "json"];
  const { collections } = JSON.parse((await run("migmgr", "inspect", ...alone)).stdout);
  expect(collections.length).toBeGreaterThan(25);
  expect((await run("migmgr", "inspect")).code).toBe(2);
});
