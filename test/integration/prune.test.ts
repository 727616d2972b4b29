import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { migrationName, type Ran, run } from "../support/migration.ts";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import { readTree } from "../support/read-tree.ts";
import { contentOf, drop, killedAt, openShop, put, type Shop, start } from "./going-back-rig.ts";

let mongod: RunningMongod;
beforeAll(async () => {
  mongod = await startMongod({ version: "6.0" });
});
afterAll(() => mongod.stop());

const longId = "x".repeat(100);

/** Moved once; then a model of jane's with its files and her note vanish, and others are touched. */
async function vanished(): Promise<Shop> {
  const shop = await openShop(mongod);
  onTestFinished(() => shop.close());
  put(shop.to, "bob/models/bob-1/theirs", "there before");
  await shop.destination.collection<{ _id: string }>("Notes").insertOne({ _id: "theirs" });
  const models = shop.source.collection<{ _id: string | number; owner: string }>("Models");
  await models.insertMany([
    { _id: longId, owner: "jane" },
    { _id: 5, owner: "jane" },
    { _id: "changed", owner: "jane" },
  ]);
  put(shop.from, "jane/models/changed/f", "old");
  put(shop.from, "jane/models/changed/g", "old");
  expect(await start(shop)).toMatchObject({ code: 0 });
  const gone = ["jane-1", "bob-1", "changed", longId, 5];
  await models.deleteMany({ _id: { $in: gone } });
  for (const path of ["jane/models/jane-1", "bob/models/bob-1", "jane/models/changed"]) {
    drop(shop.from, path);
  }
  await shop.destination
    .collection<{ _id: string }>("Models")
    .updateOne({ _id: "changed" }, { $set: { name: "theirs" } });
  writeFileSync(join(shop.to, "jane/models/changed/f"), "theirs");
  return shop;
}

async function idsOf({ destination }: Shop) {
  const ids = await destination.collection("Models").distinct("_id");
  return ids.map(String).toSorted();
}

function listOf(shop: Shop, ran: Ran, list: string) {
  const path = join(shop.from, "logs/migrations", migrationName(ran), "prune/server", list);
  return readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe("what vanished at the source", () => {
  it("is told by a plan, and removed by --prune: exactly what was ours, however often it is killed", async () => {
    const shop = await vanished();
    const plain = await start(shop, "--rerun");
    expect(plain.code).toBe(0);
    expect(await idsOf(shop)).toContain("jane-1");

    const before = { tree: await readTree(shop.to), content: await contentOf(shop.destination) };
    const planned = await run("migctl", "plan", ...shop.flags, "--prune", "-o", "json");
    const { items } = JSON.parse(planned.stdout);
    expect(items[0].prune).toMatchObject({ documents: 5, files: 9, kept: 1 });
    expect(await readTree(shop.to)).toEqual(before.tree);
    expect(await contentOf(shop.destination)).toEqual(before.content);

    const flags = ["start", ...shop.flags, "--prune"];
    await killedAt("prune.afterList=kill", "migctl", ...flags, "--rerun");
    for (const fault of ["remove.afterDocument=kill@2", "remove.afterFile=kill@3"]) {
      await killedAt(fault, "migctl", ...flags);
    }
    const ran = await start(shop, "--prune");
    expect(ran).toMatchObject({ code: 3 });
    expect(await idsOf(shop)).toEqual(["bob-2", "changed", "jane-2"]);
    const notes = await shop.destination.collection("Notes").distinct("_id");
    expect(notes).toEqual(["note of bob", "note of jane", "theirs"]);
    const tree = Object.keys(await readTree(shop.to)).filter((path) => path.includes("models/"));
    expect(tree.toSorted()).toEqual([
      ...["bob/models/bob-1", "bob/models/bob-1/theirs"],
      ...["bob/models/bob-2", "bob/models/bob-2/deep", "bob/models/bob-2/deep/labels"],
      ...["bob/models/bob-2/weights", "jane/models/changed", "jane/models/changed/f"],
      ...["jane/models/jane-2", "jane/models/jane-2/deep", "jane/models/jane-2/deep/labels"],
      "jane/models/jane-2/weights",
    ]);
    expect(listOf(shop, ran, "documents.ndjson")).toHaveLength(1 + 5);
    expect(listOf(shop, ran, "documents-kept.ndjson")).toMatchObject([
      { id: "changed", kept: "it was changed since it was written" },
    ]);
    const kept = listOf(shop, ran, "files-kept.ndjson");
    expect(kept.map(({ path, kept: reason }) => `${path}: ${reason}`)).toEqual([
      "jane/models/changed/f: it was changed since it was written",
      "jane/models/changed: it is not empty",
    ]);
    expect(ran.stdout).toContain(
      "4 documents and 8 files that vanished at the source were removed",
    );
    const verified = await run("migctl", "verify", "--source-dir", shop.from);
    expect(verified).toMatchObject({ code: 0 });
  });

  it("is of the scope that is pruned, and of a source that is there", async () => {
    const shop = await openShop(mongod);
    onTestFinished(() => shop.close());
    for (const user of ["jane", "bob"]) {
      expect(await start(shop, "--user", user)).toMatchObject({ code: 0 });
    }
    const models = shop.source.collection<{ _id: string }>("Models");
    // One of jane's becomes bob's, who is not moved again: it has not vanished.
    await models.updateOne({ _id: "jane-2" }, { $set: { owner: "bob" } });
    await models.deleteMany({ _id: { $in: ["jane-1", "bob-1"] } });
    for (const path of ["jane/models/jane-1", "bob/models/bob-1"]) drop(shop.from, path);
    const pruned = await start(shop, "--user", "jane", "--rerun", "--prune");
    expect(pruned).toMatchObject({ code: 0 });
    expect(await idsOf(shop)).toEqual(["bob-1", "bob-2", "jane-2"]);
    const paths = Object.keys(await readTree(shop.to));
    expect(paths).toContain("bob/models/bob-1/weights");
    expect(paths).toContain("jane/models/jane-2/weights");
    expect(paths.filter((path) => path.startsWith("jane/models/jane-1"))).toEqual([]);

    for (const path of ["jane", "bob"]) drop(shop.from, path);
    const before = { tree: await readTree(shop.to), content: await contentOf(shop.destination) };
    const refused = await start(shop, "--migrationType", "files", "--prune");
    expect(refused).toMatchObject({ code: 6 });
    expect(refused.stdout).toContain("is empty");
    expect(await readTree(shop.to)).toEqual(before.tree);
    expect(await contentOf(shop.destination)).toEqual(before.content);
  });
});
