import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Db } from "mongodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ConflictPolicy } from "../../src/core/verdict.ts";
import type { RestoreResult } from "../../src/mongo/restore.ts";
import { writeSelection } from "../../src/mongo/selection.ts";
import { backupDatabase } from "../../src/workers/db-backup.ts";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import { hashesOf, openDatabase, workerContext } from "../support/restore-bed.ts";
import { tempDir } from "../support/temp-dir.ts";

let source: RunningMongod;
let destination: RunningMongod;
beforeAll(async () => {
  source = await startMongod({ version: "6.0" });
  destination = await startMongod({ version: "6.0" });
});
afterAll(async () => {
  await source.stop();
  await destination.stop();
});

const policies = ["keep-destination", "overwrite"] as const satisfies ConflictPolicy[];

describe.each(policies)("under the policy %s", (onConflict) => {
  it("ends the same when it was killed again and again as when it was not", async () => {
    const { first, second } = await backUpTwice();
    const calm = await makeSide(onConflict, first);
    const stormy = await makeSide(onConflict, first);
    const expected = await calm.run(second, []);
    const kills = Array.from({ length: 8 }, (_, n) => n * 60 + Math.random() * 300);
    const { killed, ...actual } = await stormy.run(second, kills);
    expect(killed, `kills ${kills}`).toBeGreaterThan(3);
    expect(actual.collections).toEqual(expected.collections);
    expect(actual.differences).toEqual(expected.differences);
    expect(findings(stormy.out)).toEqual(findings(calm.out));
    expect(await hashesOf(stormy.db)).toEqual(await hashesOf(calm.db));
    expect(await indexNames(stormy.db)).toEqual(await indexNames(calm.db));
  });

  it("goes on after it was stopped", async () => {
    const { first, second } = await backUpTwice();
    const side = await makeSide(onConflict, first);
    const stopped = await side.once(second, "SIGTERM", 200);
    if (stopped !== undefined) expect(stopped).toMatchObject({ error: { code: "E_INTERRUPTED" } });
    const calm = await makeSide(onConflict, first);
    const { killed: _, ...expected } = await calm.run(second, []);
    const { killed: __, ...actual } = await side.run(second, []);
    expect(actual.collections).toEqual(expected.collections);
    expect(findings(side.out)).toEqual(findings(calm.out));
  });
});

/** Everything that can become of a document, thousands of times. */
async function backUpTwice() {
  const { db, ref } = await openDatabase(source);
  const docs = db.collection<{ _id: number; [field: string]: unknown }>("docs");
  await docs.createIndex({ tag: 1 });
  await docs.insertMany(Array.from({ length: 12_000 }, (_, n) => ({ _id: n, v: 1, tag: n % 7 })));
  const first = await backUp(ref, ["docs"]);
  await docs.updateMany({ _id: { $mod: [3, 0] } }, { $set: { v: 2 } });
  await docs.insertMany(
    Array.from({ length: 12_000 }, (_, n) => ({
      _id: 12_000 + n,
      ...(n % 500 === 1 ? { u: n } : {}),
      ...(n % 400 === 2 ? { x: [1, 2], y: [1, 2] } : {}),
      text: "x".repeat(200),
    })),
  );
  await db.collection("fresh").createIndex({ n: 1 }, { unique: true });
  await db.collection("fresh").insertMany(Array.from({ length: 20_000 }, (_, n) => ({ n })));
  return { first, second: await backUp(ref, ["docs", "fresh"]) };
}

async function backUp(ref: { uriFile: string; database: string }, names: string[]) {
  const folder = tempDir();
  const [selection, archive] = [join(folder, "selection"), join(folder, "a.zip")];
  await writeSelection(
    selection,
    names.map((collection) => ({ collection, filters: [] })),
  );
  const context = workerContext();
  await backupDatabase({ source: ref, selection, archive, compression: "store" }, context);
  return archive;
}

/** A destination after a first run, which the application then worked on. */
async function makeSide(onConflict: ConflictPolicy, first: string) {
  const { db, ref } = await openDatabase(destination);
  const [out, ledger, results] = [tempDir(), tempDir(), tempDir()];
  const result = join(results, "result.json");
  const start = (archive: string, run: string) => {
    const input = { archive, destination: ref, out, onConflict, rewrite: {}, newestBy: {} };
    return startRestore({ input, ledger, run, result }, result);
  };
  await end(start(first, "run-1").child);
  const docs = db.collection<{ _id: number }>("docs");
  await docs.updateMany({ _id: { $mod: [90, 0] } }, { $set: { theirs: true } });
  await docs.createIndex({ u: 1 }, { unique: true, sparse: true });
  await docs.createIndex({ x: 1, y: 1 });
  const holders = Array.from({ length: 24 }, (_, n) => ({ _id: -1 - n, u: n * 500 + 1 }));
  await docs.insertMany(holders);
  async function once(archive: string, signal: NodeJS.Signals, after: number) {
    rmSync(result, { force: true });
    const { child, started } = start(archive, "run-2");
    await started;
    await sleep(after);
    child.kill(signal);
    await end(child);
    return existsSync(result) ? readResult(result) : undefined;
  }
  async function run(archive: string, kills: number[]) {
    let killed = 0;
    for (const after of kills) {
      const done = await once(archive, "SIGKILL", after);
      if (done !== undefined) break;
      killed++;
    }
    rmSync(result, { force: true });
    await end(start(archive, "run-2").child);
    const { collections, differences } = readResult(result);
    return { collections, differences, killed };
  }
  return { db, out, once, run };
}

function readResult(path: string): RestoreResult {
  return JSON.parse(readFileSync(path, "utf8"));
}

function startRestore(argument: object, result: string) {
  rmSync(result, { force: true });
  const program = join(import.meta.dirname, "programs", "db-restore.ts");
  const child = spawn(process.execPath, [program, JSON.stringify(argument)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const started = new Promise((resolve) => child.stdout.once("data", resolve));
  return { child, started };
}

function end(child: ReturnType<typeof spawn>): Promise<unknown> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once("exit", resolve));
}

/** The lists in an order of their own: batches in flight end in any order. */
function findings(out: string) {
  const lists: Record<string, unknown> = {};
  for (const name of ["conflicts.ndjson", "rejected.ndjson"]) {
    const lines = readFileSync(join(out, name), "utf8").split("\n").filter(Boolean);
    lists[name] = lines.map(withoutPlace).sort();
  }
  for (const folder of ["rejected", "before"]) {
    const path = join(out, folder);
    const files = existsSync(path) ? readdirSync(path) : [];
    lists[folder] = files.map((name) => [name, readFileSync(join(path, name)).length]);
  }
  return lists;
}

function withoutPlace(line: string): string {
  const { offset: _, before: __, ...rest } = JSON.parse(line);
  return JSON.stringify(rest);
}

async function indexNames(db: Db) {
  const names: Record<string, string[]> = {};
  for (const collection of ["docs", "fresh"]) {
    const indexes = await db.collection(collection).indexes();
    names[collection] = indexes.map(({ name }) => String(name)).sort();
  }
  return names;
}
