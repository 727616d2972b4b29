import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Status } from "../../src/state/status.ts";
import { numberBelow } from "../fixtures/server/random.ts";
import {
  between,
  emptySide,
  expectedHashes,
  type MadeSide,
  madeSide,
  programs,
  readReport,
  run,
  type Side,
} from "../support/migration.ts";
import { dbHash, rsyncDifferences } from "../support/peers.ts";
import { readHashes } from "../support/read-documents.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

const kills = 20;

describe("a manager that is killed twenty times in one migration", () => {
  let folder: string;
  let source: MadeSide;
  let destination: Side;
  let place: string;
  /** For each kill: the steps that were recorded as done, with their attempts. */
  const seen: Map<string, number>[] = [];
  let reached = 0;

  beforeAll(async () => {
    folder = makeDir();
    source = await madeSide(join(folder, "a"), {
      ...{ server: "A", version: "4.4", size: "m", cases: "plain" },
    });
    destination = await emptySide(join(folder, "d"), "6.0");
    const migrations = join(source.dir, "logs/migrations");
    const first = spawnMigctl();
    await until(
      () =>
        names(migrations).length > 0 &&
        statusOf(join(migrations, names(migrations)[0]!)) !== undefined,
    );
    place = join(migrations, names(migrations)[0]!);
    const holder = statusOf(place)?.holder?.pid;
    process.kill(holder!, "SIGKILL");
    await once(first, "close");
    const told = await run("migctl", "status", "--source-dir", source.dir);
    expect(told.stdout).toContain("Its process is gone. Start it again");
    remember();
    for (let count = 1; count < kills; count += 1) await startAndKill(200 + makeDelay(count));
  }, 600_000);
  afterAll(async () => {
    await source.mongod.stop();
    await destination.mongod.stop();
    removeTree(folder);
  });

  function spawnMigctl(): ChildProcess {
    const args = [programs.migctl, "start", ...between(source, destination)];
    return spawn(process.execPath, args, { stdio: "ignore" });
  }

  /** Up to a second and a half, the same in each run of the test. */
  function makeDelay(count: number): number {
    return numberBelow(1500, "kill", count);
  }

  async function startAndKill(milliseconds: number) {
    const args = [programs.migmgr, "run", "--plan", join(place, "plan.json")];
    const child = spawn(process.execPath, args, { stdio: "ignore" });
    const closed = once(child, "close");
    await Promise.race([sleep(milliseconds), closed]);
    child.kill("SIGKILL");
    await closed;
    if (child.signalCode === "SIGKILL") reached += 1;
    remember();
  }

  function remember() {
    const steps = statusOf(place)?.items.flatMap((item) => item.steps) ?? [];
    const done = steps.filter(({ state }) => state === "done");
    seen.push(new Map(done.map(({ id, attempts }) => [id, attempts])));
  }

  it("was killed while it worked", () => {
    expect(reached).toBeGreaterThan(kills / 2);
  });

  it("comes to its end when it is left alone, and is verified", async () => {
    const last = await run("migctl", "start", ...between(source, destination));
    expect(last.stderr).not.toContain("Error");
    expect(last.code).toBe(0);
    remember();
  });

  it("never runs a step again that was recorded as done", () => {
    const last = seen.at(-1)!;
    for (const done of seen) {
      for (const [id, attempts] of done) expect.soft(last.get(id), id).toBe(attempts);
    }
    expect(last.size).toBe(statusOf(place)!.items[0]!.steps.length);
  });

  it("counts as if it had never been killed", () => {
    const { totals } = readReport(source, names(join(source.dir, "logs/migrations"))[0]!);
    const { documents, files } = source.oracle.scopes.server;
    const count = Object.values(documents).reduce((sum, ids) => sum + Object.keys(ids).length, 0);
    expect(totals.documents).toMatchObject({ migrated: count, identical: 0, conflict: 0 });
    expect(totals.files).toMatchObject({ identical: 0, conflict: 0, rejected: 0, missing: 0 });
    expect(totals.files.migrated).toBeGreaterThanOrEqual(Object.keys(files).length);
  });

  it("has every document and every file, and nothing else", async () => {
    const found = await readHashes(destination.mongod.uri, "DLAAS");
    expect(found).toEqual(expectedHashes(source.oracle.scopes.server));
    const exclude = ["/logs", "/._init", "/lost+found"];
    expect(await rsyncDifferences(source.dir, destination.dir, { exclude })).toEqual([]);
    const [before, after] = [
      await dbHash(source.mongod.uri, "DLAAS"),
      await dbHash(destination.mongod.uri, "DLAAS"),
    ];
    expect(after["DataSetFiles"]).toBe(before["DataSetFiles"]);
  });
});

describe("a manager that is told to stop", () => {
  it("writes a checkpoint, ends with 143, and goes on from there", async () => {
    const folder = makeDir();
    const source = await madeSide(join(folder, "a"), {
      server: "A",
      version: "6.0",
      size: "m",
      cases: "plain",
    });
    const destination = await emptySide(join(folder, "d"), "6.0");
    const migrations = join(source.dir, "logs/migrations");
    const child = spawn(
      process.execPath,
      [programs.migctl, "start", ...between(source, destination)],
      { stdio: "ignore" },
    );
    await until(() => runningStep(migrations) === "files-sync");
    child.kill("SIGTERM");
    const [code] = await once(child, "close");
    expect(code).toBe(143);
    const place = join(migrations, names(migrations)[0]!);
    expect(statusOf(place)).toMatchObject({ state: "interrupted", exitCode: 143 });
    const again = await run("migctl", "start", ...between(source, destination));
    expect(again.code).toBe(0);
    expect(statusOf(place)?.items[0]?.steps.find(({ id }) => id === "inventory")?.attempts).toBe(1);
    await source.mongod.stop();
    await destination.mongod.stop();
    removeTree(folder);
  });
});

function runningStep(migrations: string): string | undefined {
  const [name] = names(migrations);
  const status = name === undefined ? undefined : statusOf(join(migrations, name));
  return status?.items[0]?.steps.find(({ state }) => state === "running")?.id;
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name !== "ledger");
  } catch {
    return [];
  }
}

/** Read as a bystander does: it may be replaced at any moment. */
function statusOf(folder: string): Status | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, "status.json"), "utf8"));
  } catch {
    return undefined;
  }
}

async function until(condition: () => boolean) {
  for (let tries = 0; tries < 3000; tries += 1) {
    if (condition()) return;
    await sleep(20);
  }
  throw new Error("It did not come to that");
}
