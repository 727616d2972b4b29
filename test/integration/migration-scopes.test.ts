import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ScopeOracle } from "../fixtures/server/oracle.ts";
import {
  between,
  emptySide,
  expectedHashes,
  type MadeSide,
  madeSide,
  migrationName,
  type Ran,
  readReport,
  run,
  type Side,
  sideWith,
} from "../support/migration.ts";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import { readHashes } from "../support/read-documents.ts";
import { readTree } from "../support/read-tree.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

let folder: string;
let source: MadeSide;
/** One server serves many destinations, each of which finds it empty. */
let emptied: RunningMongod;

beforeAll(async () => {
  folder = makeDir();
  emptied = await startMongod({ version: "6.0", auth: true });
  source = await madeSide(join(folder, "a"), { server: "A", version: "6.0", cases: "all" });
});
afterAll(async () => {
  await source.mongod.stop();
  await emptied.stop();
  removeTree(folder);
});

/** Moves into an empty destination, and has it checked against the union of what is expected. */
async function move(name: string, flags: string[], scopes: ScopeOracle[]) {
  const client = await MongoClient.connect(emptied.adminUri);
  await client.db("DLAAS").dropDatabase();
  await client.close();
  const destination = sideWith(emptied, join(folder, name));
  const ran = await run("migctl", "start", ...between(source, destination), ...flags);
  await expectExactly(destination, scopes);
  return { ran, report: readReport(source, migrationName(ran)) };
}

async function expectExactly(destination: Side, scopes: ScopeOracle[]) {
  const documents: Record<string, Record<string, string>> = {};
  const files: ScopeOracle["files"] = {};
  for (const scope of scopes) {
    for (const [collection, hashes] of Object.entries(expectedHashes(scope))) {
      documents[collection] = { ...documents[collection], ...hashes };
    }
    Object.assign(files, scope.files);
  }
  expect(await readHashes(destination.mongod.uri, "DLAAS")).toEqual(documents);
  const found = await readTree(destination.dir);
  for (const [path, fact] of Object.entries(files)) {
    if (fact.type !== "socket")
      expect.soft(found[path], path).toEqual({ ...fact, ...linksOf(found[path]) });
  }
  const foreign = Object.entries(found).filter(
    ([path, { type }]) => !(path in files) && type !== "dir",
  );
  expect(foreign.map(([path]) => path)).toEqual([]);
}

function isEmpty({ documents, files }: ScopeOracle): boolean {
  return Object.keys(files).length + Object.values(documents).flatMap(Object.keys).length === 0;
}

/** How many names a file has depends on the union of the scopes, which no single oracle knows. */
function linksOf(found: { nlink?: number } | undefined) {
  return found?.nlink === undefined ? {} : { nlink: found.nlink };
}

describe("single scopes", () => {
  it("moves each user alone, with exactly that user's documents and files", async () => {
    for (const [index, [user, scope]] of Object.entries(source.oracle.scopes.users).entries()) {
      if (isEmpty(scope)) continue;
      await move(`user-${index}`, [`--user=${user}`], [scope]);
    }
  }, 600_000);

  it("moves each project group alone, with exactly its documents and files", async () => {
    for (const [index, [group, scope]] of Object.entries(
      source.oracle.scopes.projectGroups,
    ).entries()) {
      await move(`group-${index}`, [`--project-group=${group}`], [scope]);
    }
  }, 600_000);

  it("moves files alone, and then documents alone", async () => {
    const destination = await emptySide(join(folder, "two-steps"), "6.0");
    const sides = between(source, destination);
    const early = await run("migctl", "start", ...sides, "--migrationType", "db");
    expect(early).toMatchObject({
      code: 6,
      stdout: expect.stringContaining("not recorded as moved"),
    });
    expect(await readHashes(destination.mongod.uri, "DLAAS")).toEqual({});
    const files = await run("migctl", "start", ...sides, "--migrationType", "files");
    expect(files.code).toBe(3);
    expect(await readHashes(destination.mongod.uri, "DLAAS")).toEqual({});
    const documents = await run("migctl", "start", ...sides, "--migrationType", "db");
    expect(documents.code).toBe(0);
    await expectExactly(destination, [source.oracle.scopes.server]);
    await destination.mongod.stop();
  });

  it("moves the files of a server whose database is down", async () => {
    const destination = await emptySide(join(folder, "files-only"), "6.0");
    await source.mongod.kill9();
    try {
      const ran = await run(
        "migctl",
        "start",
        ...between(source, destination),
        "--migrationType",
        "files",
      );
      expect(ran.code).toBe(3);
      expect(ran.stderr).toContain("cannot be reached");
    } finally {
      await source.mongod.restart();
      await destination.mongod.stop();
    }
    const found = await readTree(destination.dir);
    const expected = Object.entries(source.oracle.scopes.server.files);
    const wanted = expected.filter(
      ([path, { type }]) => type !== "socket" && !path.startsWith("logs/"),
    );
    for (const [path, fact] of wanted) expect.soft(found[path], path).toEqual(fact);
  });
});

describe("several scopes in one run", () => {
  it("moves two users and two project groups, each as an item of its own", async () => {
    const users = ["mviuser1", "admin"];
    const groups = source.oracle.projectGroups.slice(0, 2);
    const scopes = [
      ...users.map((user) => source.oracle.scopes.users[user]!),
      ...groups.map((group) => source.oracle.scopes.projectGroups[group]!),
    ];
    const flags = [
      ...users.map((u) => `--user=${u}`),
      ...groups.map((g) => `--project-group=${g}`),
    ];
    const { report } = await move("several", flags, scopes);
    expect(report.items.map(({ state }: { state: string }) => state)).toEqual(
      Array(4).fill("done"),
    );
  });

  it("goes on with the other items when one fails", async () => {
    const destination = await emptySide(join(folder, "one-fails"), "6.0");
    const broken = join(destination.dir, "admin");
    writeFileSync(broken, "a file where a folder must be");
    const flags = ["--user=admin", "--user=mviuser1", "--on-conflict", "fail"];
    const ran: Ran = await run("migctl", "start", ...between(source, destination), ...flags);
    const report = readReport(source, migrationName(ran));
    expect(report.items.map(({ state }: { state: string }) => state)).toEqual(["failed", "done"]);
    expect(ran.code).toBe(6);
    await expectExactlyUser(destination, "mviuser1");
    await destination.mongod.stop();
  });

  async function expectExactlyUser(destination: Side, user: string) {
    const found = await readHashes(destination.mongod.uri, "DLAAS");
    expect(found).toEqual(expectedHashes(source.oracle.scopes.users[user]!));
  }
});

describe("what lies outside of a scope", () => {
  it("is told before anything is written", async () => {
    const destination = await emptySide(join(folder, "outside"), "6.0");
    const sides = between(source, destination);
    const plan = await run("migctl", "plan", ...sides, "--user=mviuser1", "-o", "json");
    expect(plan.code).toBe(0);
    const [item] = JSON.parse(plan.stdout).items;
    const targets = item.outside.map((one: { target: string }) => one.target);
    expect(targets).toContain("ProjectGroups");
    expect(await readTree(destination.dir)).toEqual({});
    expect(await readHashes(destination.mongod.uri, "DLAAS")).toEqual({});
    await destination.mongod.stop();
  });

  it("comes along when asked, so that no reference of what exists is left dangling", async () => {
    const destination = await emptySide(join(folder, "closure"), "6.0");
    const flags = ["--user=mviuser1", "--include-references"];
    const ran = await run("migctl", "start", ...between(source, destination), ...flags);
    expect([0, 3]).toContain(ran.code);
    const report = readReport(source, migrationName(ran));
    const inventory = report.items[0].steps.find(
      ({ kind }: { kind: string }) => kind === "inventory",
    );
    for (const { count, dangling, direction } of inventory.output.outside) {
      if (direction === "out") expect(count).toBe(dangling);
    }
    const found = await readHashes(destination.mongod.uri, "DLAAS");
    expect(Object.keys(found["ProjectGroups"] ?? {}).length).toBeGreaterThan(0);
    await destination.mongod.stop();
  });
});
