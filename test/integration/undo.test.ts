import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { BSON, Double, Int32 } from "mongodb";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { connectDestination } from "../../src/mongo/connect-destination.ts";
import { migrationName, type Ran, run } from "../support/migration.ts";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import { readTree } from "../support/read-tree.ts";
import { contentOf, killedAt, openShop, put, type Shop, start } from "./going-back-rig.ts";

let mongod: RunningMongod;
beforeAll(async () => {
  mongod = await startMongod({ version: "6.0" });
});
afterAll(() => mongod.stop());

/** Folders without their times: whatever was put into them and taken out again moved those. */
async function stateOf({ destination, to }: Shop) {
  const tree = Object.entries(await readTree(to)).map(([path, { mtimeNs, ...fact }]) => {
    return [path, fact.type === "dir" ? fact : { ...fact, mtimeNs }] as const;
  });
  return { content: await contentOf(destination), tree: Object.fromEntries(tree) };
}

/** A shop that is moved over data of the destination's own, in two stages. */
async function movedOver() {
  const shop = await openShop(mongod);
  onTestFinished(() => shop.close());
  put(shop.to, "bob/own", "theirs");
  const models = shop.destination.collection<{ _id: string }>("Models");
  await models.insertOne({ _id: "jane-1", name: "theirs" } as { _id: string });
  await models.insertOne({ _id: "own" });
  await models.createIndex({ name: 1 });
  const before = await stateOf(shop);
  const flags = ["--on-conflict", "overwrite"];
  const first = await start(shop, ...flags);
  expect(first).toMatchObject({ code: 0 });
  await shop.source
    .collection<{ _id: string }>("Models")
    .updateMany({ _id: { $in: ["bob-1", "jane-1"] } }, { $set: { name: "new" } });
  put(shop.from, "jane/models/jane-2/weights", "other weights");
  put(shop.from, "jane/models/jane-2/more", "more");
  expect(await start(shop, ...flags, "--rerun")).toMatchObject({ code: 0 });
  return { shop, before, name: migrationName(first) };
}

function undo(shop: Shop, ...more: string[]): Promise<Ran> {
  return run("migctl", "undo", "--source-dir", shop.from, ...more);
}

function impossibleIn({ stdout }: Ran) {
  const { examples } = JSON.parse(stdout);
  return examples.filter(({ action }: { action: string }) => action === "impossible");
}

it("removes a document only where it is byte for byte what was compared", async () => {
  const shop = await openShop(mongod);
  onTestFinished(() => shop.close());
  const { destination } = shop;
  const uriFile = join(shop.from, "uri");
  writeFileSync(uriFile, mongod.uri);
  const opened = await connectDestination({ uriFile, database: destination.databaseName });
  onTestFinished(() => opened.close());
  await destination
    .collection<{ _id: number }>("Odd")
    .insertOne({ _id: 1, n: 5 } as { _id: number });
  // The server takes both numbers for equal.
  const other = Buffer.from(BSON.serialize({ _id: new Int32(1), n: new Double(5) }));
  expect(await opened.remove("Odd", other)).toBe(false);
  const left = await destination.collection("Odd").findOne({}, { promoteValues: false });
  expect(left?.["n"]).toEqual(new Int32(5));
  const exact = Buffer.from(BSON.serialize({ _id: new Int32(1), n: new Int32(5) }));
  expect(await opened.remove("Odd", exact)).toBe(true);
  expect(await opened.remove("Odd", exact)).toBe(false);
});

describe("a migration that is taken back", () => {
  it("is only looked at without --yes, then the destination is as it was, and a start begins anew", async () => {
    const { shop, before, name } = await movedOver();
    const moved = await stateOf(shop);
    const looked = await undo(shop, "-o", "json");
    expect(looked).toMatchObject({ code: 0 });
    expect(JSON.parse(looked.stdout)).toMatchObject({
      done: false,
      counts: {
        documents: { removed: 5, putBack: 1, kept: 0, impossible: 0 },
        collections: { removed: 2, putBack: 0, kept: 0, impossible: 0 },
        files: { removed: 9, putBack: 0, kept: 0, impossible: 0 },
      },
    });
    expect(await stateOf(shop)).toEqual(moved);

    const done = await undo(shop, "--yes", "-o", "json");
    expect(done).toMatchObject({ code: 0 });
    const { counts, list } = JSON.parse(done.stdout);
    expect(counts).toEqual(JSON.parse(looked.stdout).counts);
    expect(readFileSync(list, "utf8").trim().split("\n").length).toBeGreaterThan(15);
    expect(await stateOf(shop)).toEqual(before);
    expect(readdirSync(dirname(list))).not.toContain("destination-lock.json");
    expect(await undo(shop)).toMatchObject({ code: 2 });

    const again = await start(shop, "--on-conflict", "overwrite");
    expect(again).toMatchObject({ code: 0 });
    expect(migrationName(again)).toBe(name);
    expect((await stateOf(shop)).content).toEqual(moved.content);
  });

  it("keeps what somebody changed and says what it cannot do, however often it is killed", async () => {
    const { shop, before, name } = await movedOver();
    const { destination, to } = shop;
    const models = destination.collection<{ _id: string }>("Models");
    await models.updateOne({ _id: "bob-2" }, { $set: { name: "changed" } });
    await destination.collection<{ _id: string }>("Notes").insertOne({ _id: "theirs" });
    appendFileSync(join(to, "bob/models/bob-2/weights"), "changed");
    put(to, "jane/models/jane-1/theirs", "theirs");
    const plan = join(shop.from, "logs/migrations", name, "plan.json");
    for (const fault of [
      ...["remove.beforeDocument=kill@2", "remove.afterDocument=kill"],
      ...["remove.afterCollection=kill", "remove.afterFile=kill@3", "undo.afterAside=kill@2"],
    ]) {
      await killedAt(fault, "migmgr", "undo", "--plan", plan, "--yes");
    }
    const last = await undo(shop, "--yes", "-o", "json");
    expect(last).toMatchObject({ code: 3 });
    const list = readFileSync(join(shop.from, "logs/migrations", name, "undo.ndjson"), "utf8");
    const lines = list
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const kept = lines.filter(({ action }) => action === "kept");
    expect(new Set(kept.map(({ name: one, reason }) => `${one}: ${reason}`))).toEqual(
      new Set([
        'Models "bob-2": it was changed since it was written',
        "Notes: it still holds 1 documents",
        "bob/models/bob-2/weights: it was changed since it was written",
        ...["bob/models/bob-2", "bob/models", "jane/models/jane-1", "jane/models", "jane"].map(
          (folder) => `${folder}: it is not empty`,
        ),
      ]),
    );
    const after = await stateOf(shop);
    expect(after.content["Notes"]).toMatchObject({ documents: [{ _id: "theirs" }] });
    expect(after.content["Models"]).toMatchObject({
      documents: [
        { _id: "bob-2", name: "changed" },
        ...(before.content["Models"]?.documents ?? []),
      ],
    });
    expect(Object.keys(after.content).toSorted()).toEqual(["Models", "Notes"]);
    expect(Object.keys(after.tree).toSorted()).toEqual([
      ...["bob", "bob/models", "bob/models/bob-2", "bob/models/bob-2/weights", "bob/own"],
      ...["jane", "jane/models", "jane/models/jane-1", "jane/models/jane-1/theirs"],
    ]);
  });

  it("says which files it cannot put back, and takes back two migrations one after the other", async () => {
    const shop = await openShop(mongod);
    onTestFinished(() => shop.close());
    put(shop.to, "jane/models/jane-1/weights", "theirs");
    const flags = ["--on-conflict", "overwrite"];
    const jane = migrationName(await start(shop, ...flags, "--user", "jane"));
    await shop.source
      .collection<{ _id: string }>("Models")
      .updateOne({ _id: "jane-2" }, { $set: { name: "new" } });
    const all = await start(shop, ...flags);
    const moved = await stateOf(shop);
    const early = await undo(shop, "--name", jane, "-o", "json");
    expect(impossibleIn(early)).toMatchObject([
      { name: 'Models "jane-2"', reason: expect.stringContaining("undo that one first") },
      { name: "jane/models/jane-1/weights", reason: expect.stringContaining("took the place") },
    ]);
    const undone = await undo(shop, "--name", migrationName(all), "--yes", "-o", "json");
    expect(undone).toMatchObject({ code: 3 });
    expect(impossibleIn(undone)).toMatchObject([
      { name: 'Models "jane-2"', reason: expect.stringContaining("another migration had brought") },
    ]);
    const first = await undo(shop, "--name", jane, "--yes", "-o", "json");
    expect(first).toMatchObject({ code: 3 });
    expect(impossibleIn(first)).toMatchObject([
      { name: "jane/models/jane-1/weights", reason: expect.stringContaining("took the place") },
    ]);
    expect(await contentOf(shop.destination)).toEqual({});
    const { tree } = await stateOf(shop);
    const left = ["jane", "jane/models", "jane/models/jane-1", "jane/models/jane-1/weights"];
    expect(Object.keys(tree).toSorted()).toEqual(left);
    expect(tree["jane/models/jane-1/weights"]).toEqual(moved.tree["jane/models/jane-1/weights"]);
  });
});
