import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BSON, type Db, MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { connectDestination } from "../../src/mongo/connect-destination.ts";
import { openLockCollections } from "../../src/mongo/lock-collections.ts";
import { migrationFolder } from "../../src/plan/inputs.ts";
import type { PlanRequest } from "../../src/plan/make.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { Status } from "../../src/state/status.ts";
import { testDestinationLock } from "../support/lock-contract.ts";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import { inserts } from "../support/mongod-faults.ts";
import { hashesOf, openDatabase } from "../support/restore-bed.ts";
import { samplePlan, sampleRequest } from "../support/sample-plan.ts";
import { tempDir } from "../support/temp-dir.ts";

let server: RunningMongod;
let admin: MongoClient;

beforeAll(async () => {
  server = await startMongod({ version: "6.0" });
  admin = await MongoClient.connect(server.adminUri);
});
afterAll(async () => {
  await admin.close();
  await server.stop();
});

describe("the lock of a destination, in a database", () => {
  testDestinationLock(async () => {
    const { db, ref } = await openDatabase(server);
    const place = await openLockCollections(ref);
    onTestFinished(() => place.close());
    return { place, isEmpty: async () => (await db.listCollections().toArray()).length === 0 };
  });
});

/** Two sources, each with a folder and a database, and the one destination of both. */
async function makeSides() {
  const dir = tempDir();
  const to = await openDatabase(server);
  mkdirSync(join(dir, "destination"));
  async function source(name: string) {
    const { db, ref } = await openDatabase(server);
    const folder = join(dir, name);
    for (const user of ["jane", "joe"]) {
      mkdirSync(join(folder, user), { recursive: true });
      for (const file of ["same", name]) writeFileSync(join(folder, user, file), `${name}'s`);
    }
    const notes = Array.from({ length: 5000 }, (_, at) => ({ _id: at, of: name as unknown }));
    await db.collection<{ _id: number }>("Notes").insertMany(notes);
    return { kind: "local" as const, dir: folder, database: ref, identity: `source-${name}` };
  }
  const sources = { a: await source("a"), b: await source("b") };
  const folder = join(dir, "destination");
  const destination = { kind: "local" as const, dir: folder, database: to.ref, identity: "dest" };
  function planOf(from: "a" | "b", changes: Partial<PlanRequest> = {}, waitLockSeconds = 0): Plan {
    const workDir = join(dir, `work-${from}`);
    const options = { ...sampleRequest().options, forceDb: true, waitLockSeconds };
    return samplePlan({ source: sources[from], destination, workDir, options, ...changes });
  }
  return { db: to.db, folder, planOf };
}

interface Manager {
  ended: Promise<number | null>;
  log(): string;
  /** Returns once it sleeps. */
  asleep(): Promise<void>;
  wake(): void;
}

const program = join(import.meta.dirname, "programs", "manager.ts");

/** `isolated`: in a namespace of its own, where no other process sees whether it lives. */
function start(plan: Plan, { isolated = true, failpoints = "" } = {}): Manager {
  const file = join(tempDir(), "plan.json");
  writeFileSync(file, JSON.stringify(plan));
  // Who is the first process there cannot stop itself.
  const within = ["--pid", "--fork", "--mount-proc", "--kill-child", "/bin/sh", "-c"];
  const [command, ...args] = isolated
    ? ["unshare", ...within, '"$0" "$@"; exit $?', process.execPath, program, file]
    : [process.execPath, program, file];
  const faults = { MIGCTL_ENABLE_FAILPOINTS: "1", MIGCTL_FAILPOINTS: failpoints };
  const env = { ...process.env, ...faults };
  const child = spawn(command ?? "", args, { stdio: ["ignore", "ignore", "pipe"], env });
  onTestFinished(() => void child.kill("SIGKILL"));
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  const ended = once(child, "close").then(([code]) => code as number | null);
  return {
    ended,
    log: () => log,
    async asleep() {
      await until("it sleeps", () => {
        if (child.exitCode !== null) throw new Error(`It ended: ${log}`);
        return stateOf(lastOf(child)) === "T";
      });
    },
    wake: () => void process.kill(lastOf(child), "SIGCONT"),
  };
}

/** The manager itself, below unshare and a shell. */
function lastOf({ pid = 0 }: ChildProcess): number {
  for (let last = pid; ; ) {
    const [next] = readFileSync(`/proc/${last}/task/${last}/children`, "utf8").trim().split(" ");
    if (!next || readFileSync(`/proc/${last}/comm`, "utf8").startsWith("node")) return last;
    last = Number(next);
  }
}

function stateOf(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2)[0];
}

async function until(what: string, condition: () => boolean) {
  for (let tries = 0; tries < 1500; tries++) {
    if (condition()) return;
    await sleep(20);
  }
  throw new Error(`It did not come to this: ${what}`);
}

/** All that a write at the destination would change. */
async function stateOfDestination(db: Db, folder: string) {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  const ctimes = files.map((file) => [file, lstatSync(join(folder, file)).ctimeMs]);
  return { hashes: await hashesOf(db), inserts: await inserts(admin), ctimes };
}

async function locksIn(db: Db, folder: string) {
  const collections = await db.listCollections({}, { nameOnly: true }).toArray();
  const names = [...collections.map(({ name }) => name), ...readdirSync(folder)];
  return names.filter((name) => name.includes("lock"));
}

function statusOf(plan: Plan): Status {
  return JSON.parse(readFileSync(join(migrationFolder(plan), "status.json"), "utf8"));
}

describe("a manager that slept for longer than its lock lasts", () => {
  it.each([
    { migrationType: "db" as const, at: "restore.afterIntend=stop@1", late: 0 },
    // The other batches in flight may be on their way already: they find their ids taken.
    { migrationType: "db" as const, at: "restore.afterInsert=stop@1", late: 2 },
    { migrationType: "files" as const, at: "files.afterIntend=stop@1", late: 0 },
  ])(
    "ends with 7 and writes nothing after it was followed: $at",
    async ({ migrationType, at, late }) => {
      const { db, folder, planOf } = await makeSides();
      const [planA, planB] = [planOf("a", { migrationType }), planOf("b", { migrationType })];
      const first = start(planA, { failpoints: at });
      await first.asleep();
      const second = start(planB);
      expect([0, 3]).toContain(await second.ended);
      const before = await stateOfDestination(db, folder);
      first.wake();
      expect(await first.ended).toBe(7);
      expect(first.log()).toMatch(/The lock of ".*" was lost to/);
      const { inserts: after, ...data } = await stateOfDestination(db, folder);
      expect({ ...before, ...data }).toEqual(before);
      expect(after - before.inserts).toBeLessThanOrEqual(late);
      expect(await locksIn(db, folder)).toEqual([]);
      expect(statusOf(planA)).toMatchObject({ state: "interrupted", exitCode: 7 });
      expect(statusOf(planB).state).toBe("done");
      // What the other one brought meanwhile is a conflict.
      expect([0, 3]).toContain(await start(planA).ended);
    },
  );

  it("keeps the ledger from who follows it on the same machine, who says so or waits", async () => {
    const { db, folder, planOf } = await makeSides();
    const plan = planOf("a", { migrationType: "db" });
    const first = start(plan, { failpoints: "restore.afterIntend=stop@1" });
    await first.asleep();
    const second = start(plan);
    expect(await second.ended).toBe(7);
    expect(second.log()).toMatch(/gave no sign of life .* may only sleep on this machine/);
    expect(second.log()).toContain("--wait-lock waits for its end");
    const third = start(planOf("a", { migrationType: "db" }, 60));
    await until("it waits", () => third.log().includes("Waiting for another process"));
    first.wake();
    expect(await first.ended).toBe(7);
    expect(await third.ended).toBe(0);
    expect(statusOf(plan)).toMatchObject({ state: "done", exitCode: 0 });
    expect(await db.collection("Notes").countDocuments()).toBe(5000);
    expect(await locksIn(db, folder)).toEqual([]);
  });
});

describe("two sources with one destination", () => {
  it("take turns where they write the same, and go side by side where they do not", async () => {
    const { db, folder, planOf } = await makeSides();
    const jane = {
      migrationType: "files" as const,
      scopes: [{ kind: "user" as const, value: "jane" }],
    };
    const joe = { ...jane, scopes: [{ kind: "user" as const, value: "joe" }] };
    const first = start(planOf("a", jane), {
      isolated: false,
      failpoints: "files.afterIntend=stop@1",
    });
    await first.asleep();
    const refused = start(planOf("b", jane), { isolated: false });
    expect(await refused.ended).toBe(7);
    expect(refused.log()).toContain(
      `is in use by the migration "${planOf("a", jane).name}" of user:jane`,
    );
    expect(await start(planOf("b", joe), { isolated: false }).ended).toBe(0);
    const waiting = start(planOf("b", jane, 60), { isolated: false });
    await until("it waits", () => waiting.log().includes("Waiting for another process"));
    // The status is written after the log.
    await expect
      .poll(() => statusOf(planOf("b", jane)).waiting?.reason)
      .toContain(planOf("a", jane).name);
    expect(readdirSync(folder)).toEqual(expect.arrayContaining([".migctl-lock", "joe"]));
    expect(readdirSync(folder)).not.toContain("jane");
    first.wake();
    expect(await first.ended).toBe(0);
    expect(await waiting.ended).toBe(3);
    expect(readFileSync(join(folder, "jane/same"), "utf8")).toBe("a's");
    expect(await locksIn(db, folder)).toEqual([]);
  });
});

describe("a batch that comes late", () => {
  it("changes nothing that another process wrote meanwhile", async () => {
    const { db, ref } = await openDatabase(server);
    const destination = await connectDestination(ref);
    onTestFinished(() => destination.close());
    const encode = (of: string) => Buffer.from(BSON.serialize({ _id: 1, of }));
    const [ours, theirs] = [encode("ours"), encode("theirs")];
    await destination.insert("Notes", { data: ours, count: 1 });
    expect(await destination.replace("Notes", ours, theirs)).toBe(true);
    const before = await hashesOf(db);
    const late = await destination.insert("Notes", { data: ours, count: 1 });
    expect(late).toMatchObject({ inserted: 0, failures: [{ code: 11000 }] });
    expect(await destination.replace("Notes", ours, encode("late"))).toBe(false);
    expect(await hashesOf(db)).toEqual(before);
  });
});
