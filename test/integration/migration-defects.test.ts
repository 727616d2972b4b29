import { type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ItemStatus, Status } from "../../src/state/status.ts";
import { canariesBelow, canariesOf, watchDescendants } from "../support/canary.ts";
import {
  between,
  emptySide,
  expectedHashes,
  type MadeSide,
  madeSide,
  programs,
  type readReport,
  run,
  type Side,
} from "../support/migration.ts";
import { appUser } from "../support/mongod-setup.ts";
import { readHashes } from "../support/read-documents.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

// What the first implementation of this job did wrong; docs/defects.md lists all of it.

let folder: string;
let source: MadeSide;
const opened: Side[] = [];

beforeAll(async () => {
  folder = makeDir();
  source = await madeSide(join(folder, "a"), { server: "A", version: "4.4", cases: "plain" });
});
afterAll(async () => {
  for (const { mongod } of [source, ...opened]) await mongod.stop();
  removeTree(folder);
});

async function destinationFor(name: string): Promise<Side> {
  const side = await emptySide(join(folder, name), "6.0");
  opened.push(side);
  return side;
}

function start(destination: Side, options: SpawnOptions = {}, flags: string[] = []) {
  const work = ["--work-dir", join(folder, "work")];
  const args = [programs.migctl, "start", ...between(source, destination), ...work, ...flags];
  return spawn(process.execPath, args, { stdio: "ignore", ...options });
}

function statusOf(name: string): Status {
  return JSON.parse(readFileSync(join(folder, "work", name, "status.json"), "utf8"));
}

function stepsOf(name: string): Record<string, ItemStatus["steps"][number]> {
  return Object.fromEntries(statusOf(name).items[0]!.steps.map((step) => [step.id, step]));
}

describe("a step that fails", () => {
  let destination: Side;

  beforeAll(async () => {
    destination = await destinationFor("no-rsync");
    const child = start(destination, { env: { PATH: pathWithout("rsync") } }, ["--name", "broken"]);
    const [code] = await once(child, "close");
    expect(code).toBe(5);
  });

  /** A PATH on which everything is to be found but one program. */
  function pathWithout(program: string): string {
    const bin = join(folder, "bin");
    mkdirSync(bin, { recursive: true });
    for (const dir of (process.env["PATH"] ?? "").split(delimiter)) {
      for (const name of namesIn(dir)) {
        if (name !== program && !namesIn(bin).includes(name))
          symlinkSync(join(dir, name), join(bin, name));
      }
    }
    return bin;
  }

  function namesIn(dir: string): string[] {
    try {
      return readdirSync(dir);
    } catch {
      return [];
    }
  }

  it("makes the run fail, and never counts as complete (X3)", () => {
    expect(statusOf("broken")).toMatchObject({ state: "failed", exitCode: 5 });
    expect(stepsOf("broken")["files-sync"]).toMatchObject({
      state: "failed",
      error: { code: "E_PROGRAM", message: expect.stringContaining("rsync") },
    });
  });

  it("keeps the documents from being written without their files (X4)", async () => {
    expect(stepsOf("broken")["db-restore"]?.state).toBe("not-run");
    expect(await readHashes(destination.mongod.uri, "DLAAS")).toEqual({});
  });

  it("is where the next start goes on, without what was done before (X5, X26)", async () => {
    const [code] = await once(start(destination, {}, ["--name", "broken"]), "close");
    expect(code).toBe(0);
    expect(stepsOf("broken")).toMatchObject({
      inventory: { attempts: 1 },
      "files-sync": { attempts: 2 },
      "db-restore": { state: "done" },
    });
    const found = await readHashes(destination.mongod.uri, "DLAAS");
    expect(found).toEqual(expectedHashes(source.oracle.scopes.server));
  });
});

describe("two managers at the same time", () => {
  it("work one after the other or not at all, never both (X7)", async () => {
    const destination = await destinationFor("two");
    const children = [1, 2, 3].map(() => start(destination, {}, ["--name", "two"]));
    const ends = await Promise.all(children.map((child) => once(child, "close")));
    const codes = ends.map(([code]) => code).sort();
    expect(codes[0]).toBe(0);
    for (const code of codes) expect([0, 7]).toContain(code);
    for (const step of Object.values(stepsOf("two"))) expect(step.attempts).toBe(1);
    const found = await readHashes(destination.mongod.uri, "DLAAS");
    expect(found).toEqual(expectedHashes(source.oracle.scopes.server));
  });
});

describe("secrets and odd paths", () => {
  const passwords = [appUser.password];

  it("keeps the password out of every argument list and every log while it runs (X10)", async () => {
    const destination = await destinationFor("secret");
    const env = { ...process.env, SECRET_OF_THE_USER: appUser.password, LC_TIME: "C" };
    const child = start(destination, { env }, ["--name", "secret"]);
    const watched = watchDescendants(child.pid!);
    const [code] = await once(child, "close");
    const { commands, environments } = watched.stop();
    expect(code).toBe(0);
    const all = [...commands].join("\n");
    for (const program of [isManager, /^rsync /m]) expect(all).toMatch(program);
    expect(canariesOf(all, passwords)).toEqual([]);
    for (const [command, variables] of environments) {
      const shown = [...variables].join("\n");
      if (command.includes(" start --source-dir")) expect(shown).toContain("SECRET_OF_THE_USER");
      else expect.soft(canariesOf(shown, passwords), command).toEqual([]);
      if (isManager.test(command)) expect(shown).toContain("LC_TIME=C");
    }
  });

  const isManager = /manager(\/main\.ts)? run --plan -/;

  it("leaves the password in no file that it writes, and in no bundle of migctl debug", async () => {
    const work = join(folder, "work");
    expect(canariesBelow(join(work, "secret"), passwords)).toEqual([]);
    const out = join(folder, "debug.tar.gz");
    const flags = ["--work-dir", work, "--name", "secret", "--out", out, "-o", "json"];
    const { code, stdout, stderr } = await run("migctl", "debug", ...flags);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).missing).toEqual([]);
    expect(canariesOf(stdout + stderr, passwords)).toEqual([]);
    const bundle = gunzipSync(readFileSync(out)).toString("latin1");
    expect(bundle).toContain("folder/manager.log");
    expect(canariesOf(bundle, passwords)).toEqual([]);
  });

  it("takes folders with spaces, quotes and colons as they are (X11)", async () => {
    const destination = await destinationFor("odd");
    const dir = join(folder, `it's a "data": $(touch x) dir`);
    renameSync(destination.dir, dir);
    const [code] = await once(start({ ...destination, dir }, {}, ["--name", "odd"]), "close");
    expect(code).toBe(0);
    expect(readdirSync(dir)).toContain("admin");
  });

  it("logs what it does as JSON lines without being asked to (X9)", () => {
    const lines = readFileSync(join(folder, "work/odd/manager.log"), "utf8").trim().split("\n");
    const messages = lines.map((line) => JSON.parse(line).msg);
    expect(messages).toEqual(
      expect.arrayContaining(["Run started", "Step started", "Run finished"]),
    );
  });
});

describe("looking", () => {
  it("makes no folder, wherever one looks (X25)", async () => {
    const before = readdirSync(folder);
    for (const command of ["status", "report", "verify"]) {
      const ran = await run("migctl", command, "--work-dir", join(folder, "nowhere"));
      expect(ran.code).toBe(2);
      expect(ran.stderr).toContain("There is no migration");
    }
    expect(readdirSync(folder)).toEqual(before);
  });

  it("shows a migration whose sides are both gone (X25)", async () => {
    const ran = await run(
      "migctl",
      "status",
      "--work-dir",
      join(folder, "work"),
      "--name",
      "two",
      "-o",
      "json",
    );
    expect(JSON.parse(ran.stdout)).toMatchObject({ name: "two", state: "done" });
  });
});

describe("what a document names and the source does not have", () => {
  it("is counted and told, not passed over in silence (X19)", async () => {
    const destination = await destinationFor("gone");
    const { owner, id } = firstDataset();
    renameSync(join(source.dir, owner, "datasets", id), join(folder, "taken-away"));
    try {
      const [code] = await once(start(destination, {}, ["--name", "gone"]), "close");
      expect(code).toBe(0);
      const report = readReportIn("gone");
      const notes = report.items[0].notes.join("\n");
      expect(notes).toMatch(/1 paths that documents name are not at the source/);
      expect(notes).toMatch(/\d+ files that documents name were missing at the source/);
    } finally {
      renameSync(join(folder, "taken-away"), join(source.dir, owner, "datasets", id));
    }
  });

  function firstDataset(): { owner: string; id: string } {
    for (const owner of readdirSync(source.dir)) {
      const path = join(source.dir, owner, "datasets");
      try {
        const [id] = readdirSync(path);
        if (id !== undefined) return { owner, id };
      } catch {
        // Not every folder belongs to a user.
      }
    }
    throw new Error("The fixture has no dataset");
  }

  function readReportIn(name: string): ReturnType<typeof readReport> {
    return JSON.parse(readFileSync(join(folder, "work", name, "report.json"), "utf8"));
  }
});
