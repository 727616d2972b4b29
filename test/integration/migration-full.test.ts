import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
} from "../support/migration.ts";
import type { MongodVersion } from "../support/mongod-binary.ts";
import { dbHash, indexesOf, rsyncDifferences } from "../support/peers.ts";
import { readHashes } from "../support/read-documents.ts";
import { readTree } from "../support/read-tree.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

/** Never moved, and the only collection with a fix-up in the plain fixture. */
const neverMoved = [
  "ServiceInfo",
  "Tokens",
  "SysUsers",
  "WebAPIs",
  "RegisteredApps",
  "DockerHostPorts",
];
const exclude = ["/logs", "/._init", "/lost+found"];

describe.each<{ from: MongodVersion }>([{ from: "4.2" }, { from: "4.4" }, { from: "6.0" }])(
  "a whole plain server from MongoDB $from to 6.0",
  ({ from }) => {
    let folder: string;
    let source: MadeSide;
    let destination: Side;
    let ran: Ran;

    beforeAll(async () => {
      folder = makeDir();
      source = await madeSide(join(folder, "a"), { server: "A", version: from, cases: "plain" });
      destination = await emptySide(join(folder, "d"), "6.0");
      ran = await run("migctl", "start", ...between(source, destination));
    });
    afterAll(async () => {
      await source.mongod.stop();
      await destination.mongod.stop();
      removeTree(folder);
    });

    it("ends with 0 and says that it is verified", () => {
      expect(ran.stderr).not.toContain("Error");
      expect(ran.code).toBe(0);
      expect(ran.stdout).toContain("done and verified");
    });

    it("brings exactly the documents of the oracle, after the documented fix-ups", async () => {
      const found = await readHashes(destination.mongod.uri, "DLAAS");
      expect(found).toEqual(expectedHashes(source.oracle.scopes.server));
    });

    it("leaves equal database hashes for all collections that no fix-up touches", async () => {
      const [before, after] = [
        await dbHash(source.mongod.uri, "DLAAS"),
        await dbHash(destination.mongod.uri, "DLAAS"),
      ];
      for (const name of [...neverMoved, "TrainedModels"]) delete before[name];
      delete after["TrainedModels"];
      expect(Object.keys(after).length).toBeGreaterThan(15);
      expect(after).toEqual(before);
    });

    it("makes the same indexes (servers before 4.4 also name the namespace)", async () => {
      const [before, after] = [
        await indexesOf(source.mongod.uri, "DLAAS"),
        await indexesOf(destination.mongod.uri, "DLAAS"),
      ];
      for (const name of neverMoved) delete before[name];
      const expected = JSON.parse(
        JSON.stringify(before, (key, value) => (key === "ns" ? undefined : value)),
      );
      expect(after).toEqual(expected);
    });

    it("leaves nothing for rsync to do, down to owners, times and extended attributes", async () => {
      expect(await rsyncDifferences(source.dir, destination.dir, { exclude })).toEqual([]);
    });

    it("does nothing when it is started again, and says so", async () => {
      const again = await run("migctl", "start", ...between(source, destination));
      expect(again.code).toBe(0);
      const report = readReport(source, migrationName(again));
      expect(report.generation).toBe(1);
      expect(report.items[0].steps.every((step: { attempts: number }) => step.attempts === 1)).toBe(
        true,
      );
    });

    it("finds everything equal when it is verified again", async () => {
      const verified = await run("migctl", "verify", "--source-dir", source.dir);
      expect(verified.stdout).toMatch(/server +files +[\d,]+ files, [\d,]+ hashed +equal/);
      expect(verified.code).toBe(0);
    });
  },
);

/** The folders above the resources of the user who is called "logs". */
function isOnTheWay(path: string): boolean {
  return /^logs(\/(datasets|dnn-scripts|trained-models(\/thumbnails)?))?$/.test(path);
}

describe("a whole server full of oddities", () => {
  let folder: string;
  let source: MadeSide;
  let destination: Side;
  let ran: Ran;

  beforeAll(async () => {
    folder = makeDir();
    source = await madeSide(join(folder, "a"), { server: "A", version: "4.4", cases: "all" });
    destination = await emptySide(join(folder, "d"), "6.0");
    ran = await run("migctl", "start", ...between(source, destination));
  });
  afterAll(async () => {
    await source.mongod.stop();
    await destination.mongod.stop();
    removeTree(folder);
  });

  it("ends with 3, as a socket cannot be carried, and names it", () => {
    expect(ran.code).toBe(3);
    const report = readReport(source, migrationName(ran));
    expect(report.totals.files.rejected).toBe(1);
    expect(report.totals.documents.conflict + report.totals.documents.rejected).toBe(0);
  });

  it("brings exactly the documents of the oracle", async () => {
    const found = await readHashes(destination.mongod.uri, "DLAAS");
    expect(found).toEqual(expectedHashes(source.oracle.scopes.server));
  });

  it("brings every file of the oracle with content, owner, mode, time, links and attributes", async () => {
    const found = await readTree(destination.dir);
    const expected = Object.fromEntries(
      Object.entries(source.oracle.scopes.server.files).filter(([, { type }]) => type !== "socket"),
    );
    for (const [path, fact] of Object.entries(expected))
      expect.soft(found[path], path).toEqual(fact);
  });

  it("brings nothing that it must never touch", async () => {
    const found = Object.keys(await readTree(destination.dir));
    const expected = source.oracle.scopes.server.files;
    expect(found.filter((path) => !(path in expected) && !isOnTheWay(path))).toEqual([]);
    const collections = Object.keys(await readHashes(destination.mongod.uri, "DLAAS"));
    expect(collections.filter((name) => neverMoved.includes(name))).toEqual([]);
  });

  it("keeps the password out of everything that it left and printed", async () => {
    const left = join(source.dir, "logs/migrations");
    const { stdout } = spawnSync("grep", ["-rlaE", "canary|Y2FuYXJ5", left], { encoding: "utf8" });
    expect(stdout).toBe("");
    expect(ran.stdout + ran.stderr).not.toContain("canary");
  });
});
