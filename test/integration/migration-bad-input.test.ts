import { spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import {
  between,
  emptySide,
  type MadeSide,
  madeSide,
  programs,
  run,
  type Side,
} from "../support/migration.ts";
import { failCommands } from "../support/mongod-faults.ts";
import { readHashes } from "../support/read-documents.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

let folder: string;
let source: MadeSide;
let destination: Side;

beforeAll(async () => {
  folder = makeDir();
  source = await madeSide(join(folder, "a"), { server: "A", version: "4.4", cases: "plain" });
  destination = await emptySide(join(folder, "d"), "6.0");
  foreignMigrations = readdirSync(join(source.dir, "logs/migrations"));
});
afterAll(async () => {
  await source.mongod.stop();
  await destination.mongod.stop();
  removeTree(folder);
});

/** What the fixture's server has there of its own. */
let foreignMigrations: string[];

interface Bad {
  what: string;
  /** Flags that come after the good ones are an error of their own, so they replace them. */
  replace: () => Record<string, string>;
  flags?: string[];
  code: number;
  says: RegExp;
}

function uriFile(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

const bad: Bad[] = [
  {
    what: "a URI of another kind",
    replace: () => ({ "--source-uri-file": uriFile("http.uri", "http://127.0.0.1/") }),
    code: 2,
    says: /http\.uri" holds no MongoDB URI[\s\S]*mongodb:\/\//,
  },
  {
    what: "a URI file that does not exist",
    replace: () => ({ "--source-uri-file": join(folder, "nowhere.uri") }),
    code: 2,
    says: /Cannot read the MongoDB URI file ".*nowhere\.uri"/,
  },
  {
    what: "a server that does not answer",
    replace: () => ({ "--dest-uri-file": uriFile("closed.uri", "mongodb://127.0.0.1:9/") }),
    code: 5,
    says: /127\.0\.0\.1:9[\s\S]*Check that it runs/,
  },
  {
    what: "a wrong password",
    replace: () => ({
      "--source-uri-file": uriFile(
        "wrong.uri",
        source.mongod.uri.replace(/:\/\/([^:]+):[^@]*@/, "://$1:canary-wrong@"),
      ),
    }),
    code: 4,
    says: /refused the log-in[\s\S]*Check user, password/,
  },
  {
    what: "a missing source folder",
    replace: () => ({ "--source-dir": join(folder, "nowhere") }),
    code: 2,
    says: /source folder ".*nowhere" does not exist[\s\S]*--source-dir/,
  },
  {
    what: "a missing destination folder",
    replace: () => ({ "--dest-dir": join(folder, "nowhere") }),
    code: 2,
    says: /destination folder ".*nowhere" does not exist[\s\S]*--dest-dir/,
  },
  {
    what: "a file instead of a folder",
    replace: () => ({ "--dest-dir": uriFile("plain-file", "x") }),
    code: 2,
    says: /destination ".*plain-file" is not a folder/,
  },
  {
    what: "the same folder twice, under another name",
    replace: () => {
      const link = join(folder, "same");
      if (!readdirSync(folder).includes("same")) symlinkSync(source.dir, link);
      return { "--dest-dir": link };
    },
    code: 6,
    says: /are the same folder/,
  },
  {
    what: "a destination inside of the source",
    replace: () => {
      mkdirSync(join(source.dir, "inside"), { recursive: true });
      return { "--dest-dir": join(source.dir, "inside") };
    },
    code: 6,
    says: /lie within each other/,
  },
  {
    what: "the same server twice, under another name",
    replace: () => ({
      "--dest-uri-file": uriFile("same.uri", source.mongod.uri.replace("127.0.0.1", "localhost")),
    }),
    code: 6,
    says: /same database "DLAAS" on the same server/,
  },
  {
    what: "an unknown user",
    replace: () => ({}),
    flags: ["--user", "nobody"],
    code: 2,
    says: /knows no user "nobody"[\s\S]*"admin"/,
  },
  {
    what: "an unknown project group",
    replace: () => ({}),
    flags: ["--project-group", "none"],
    code: 2,
    says: /knows no project group "none"/,
  },
  {
    what: "an application that does not exist",
    replace: () => ({}),
    flags: ["--application", "nope"],
    code: 2,
    says: /no application "nope"[\s\S]*mvi/,
  },
  {
    what: "a malformed application file",
    replace: () => ({
      "--application": uriFile(
        "app.yaml",
        "application: x\ndatabase: X\nmount: /x\ncollections:\n  A: { child-of: { B: b }, nonsense: 1 }\n",
      ),
    }),
    code: 2,
    says: /app\.yaml:5:\d+: collections\.A\.nonsense: is not known here/,
  },
  {
    what: "a collection that has no scopes, taken along for one user",
    replace: () => ({}),
    flags: ["--user", "admin", "--include-collection", "Tokens"],
    code: 2,
    says: /Cannot take "Tokens" along/,
  },
  {
    what: "a password as a flag",
    replace: () => ({}),
    flags: ["--source-password", "canary"],
    code: 2,
    says: /Cannot take a secret from the command line/,
  },
  {
    what: "an unknown flag",
    replace: () => ({}),
    flags: ["--sauce-dir", "x"],
    code: 2,
    says: /sauce-dir/,
  },
];

describe.each(bad)("$what", ({ replace, flags = [], code, says }) => {
  it.each(["start", "plan"])(
    "is refused by %s with the reason, before anything is written",
    async (command) => {
      const changed = replace();
      const args = between(source, destination);
      for (const [flag, value] of Object.entries(changed)) {
        const at = args.indexOf(flag);
        if (at < 0) args.push(flag, value);
        else args[at + 1] = value;
      }
      const ran = await run("migctl", command, ...args, ...flags);
      expect(ran.stderr).toMatch(says);
      expect(ran.code).toBe(code);
      expect(ran.stdout + ran.stderr).not.toContain("canary");
      expect(readdirSync(destination.dir)).toEqual([]);
      expect(readdirSync(join(source.dir, "logs/migrations"))).toEqual(foreignMigrations);
      expect(await readHashes(destination.mongod.uri, "DLAAS")).toEqual({});
    },
  );
});

it("refuses a destination that cannot be written to", async () => {
  const locked = join(folder, "locked");
  mkdirSync(locked, { recursive: true });
  chmodSync(locked, 0o555);
  chmodSync(folder, 0o755);
  const args = [programs.migctl, "start", ...between(source, { ...destination, dir: locked })];
  const ran = spawnSync(process.execPath, args, {
    ...{ encoding: "utf8" as const },
    ...(process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}),
  });
  expect(ran.status).toBe(4);
  expect(ran.stderr).toMatch(/destination folder ".*locked" cannot be written to/);
});

it("refuses a destination whose MongoDB is older", async () => {
  const older = await emptySide(join(folder, "older"), "4.2");
  const ran = await run("migctl", "start", ...between(source, older));
  expect(ran.code).toBe(6);
  expect(ran.stderr).toMatch(/MongoDB 4\.2\.6 is older than the source's 4\.4\.2/);
  expect(readdirSync(older.dir)).toEqual([]);
  await older.mongod.stop();
});

function flipByte(path: string, size: number) {
  const file = openSync(path, "r+");
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, Math.floor(size / 3));
  writeSync(file, Buffer.of((byte[0] ?? 0) ^ 0x10), 0, 1, Math.floor(size / 3));
  closeSync(file);
}

describe("an archive that is not as it was written", () => {
  it.each([
    ["truncated", (path: string, size: number) => truncateSync(path, Math.floor(size / 2))],
    ["changed", flipByte],
  ])("and %s is refused before the first document is written", async (_what, damage) => {
    const archive = join(folder, `${_what}.zip`);
    const uri = ["--uri-file", source.uriFile, "--database", "DLAAS", "--archive", archive];
    expect((await run("migmgr", "db", "backup", ...uri)).code).toBe(0);
    damage(archive, statSync(archive).size);
    const into = ["--uri-file", destination.uriFile, "--database", "DLAAS", "--archive", archive];
    const ran = await run("migmgr", "db", "restore", ...into, "--report-dir", join(folder, "out"));
    expect(ran.code).toBe(8);
    expect(ran.stderr).toContain("E_INTEGRITY");
    expect(await readHashes(destination.mongod.uri, "DLAAS")).toEqual({});
  });
});

it("waits for a destination as long as it is told, and goes on with more patience", async () => {
  const client = await MongoClient.connect(destination.mongod.adminUri);
  onTestFinished(() => client.close());
  const closing = { failCommands: ["insert"], closeConnection: true };
  await failCommands(client, "alwaysOn", closing);
  const request = [...between(source, destination), "--migrationType", "db", "--force-db"];
  const impatient = await run("migctl", "start", ...request, "--retry-timeout", "1s");
  expect(impatient.code).toBe(5);
  expect(impatient.stdout).toMatch(/Cannot write to collection .* after \d s of trying again/);
  await client.db("admin").command({ configureFailPoint: "failCommand", mode: "off" });
  const patient = await run("migctl", "start", ...request, "--retry-timeout", "1h");
  // It gets as far as to miss the files, which no one has moved.
  expect(patient.code).toBe(8);
  expect(patient.stdout).toMatch(/all +\(documents\) +382 +382 +0 +0 +0 +0 +0\n/);
});
