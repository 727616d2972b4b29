import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cliCommands } from "../../src/cli/commands.ts";
import { failpoints } from "../../src/core/failpoints.ts";
import { managerCommands } from "../../src/manager/commands.ts";
import { makeBundle } from "../../tools/bundle.ts";
import {
  between,
  emptySide,
  expectedHashes,
  type MadeSide,
  madeSide,
  type Side,
  sources,
} from "../support/migration.ts";
import { readHashes } from "../support/read-documents.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

let folder: string;
let bundle: string;

beforeAll(async () => {
  folder = makeDir();
  bundle = join(folder, "alone", "migctl.mjs");
  await makeBundle(bundle);
});
afterAll(() => removeTree(folder));

/** Without colours and with one width, so that help is the same wherever it is printed. */
function node(...args: string[]) {
  return execa(process.execPath, args, { reject: false, cwd: folder, all: true });
}

it("knows its version with nothing beside it", async () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  expect((await node(bundle, "--version")).stdout).toBe(version);
  expect((await node(bundle, "manager", "--version")).stdout).toBe(version);
});

it("runs by its own name", async () => {
  const { stdout } = await execa(bundle, ["--help"]);
  expect(stdout).toContain("migctl <command>");
});

it("is the same file each time", async () => {
  const again = join(folder, "again", "migctl.mjs");
  await makeBundle(again);
  expect(readFileSync(again).equals(readFileSync(bundle))).toBe(true);
});

it("has no failpoint in it", () => {
  const text = readFileSync(bundle, "utf8");
  expect(text).not.toContain("MIGCTL_FAILPOINTS");
  expect(text).not.toContain("MIGCTL_ENABLE_FAILPOINTS");
  for (const name of failpoints) expect(text).not.toContain(`"${name}"`);
});

it("brings the licences of what is in it", async () => {
  const file = join(folder, "alone", "THIRD-PARTY-NOTICES.txt");
  const notices = readFileSync(file, "utf8");
  for (const name of ["mongodb", "yargs", "pino", "zod"]) {
    expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(.+\\)$`, "m"));
  }
  expect(notices).not.toMatch(/^esbuild /m);
  expect(notices).toContain("Permission is hereby granted");
});

it.each([
  ...cliCommands.map(({ name }) => ["migctl", name] as const),
  ...managerCommands.map(({ name }) => ["migmgr", name] as const),
])("prints the help of %s %s as the sources do", async (program, name) => {
  const words = [...name.split(" "), "--help"];
  const [ours, theirs] = await Promise.all([
    node(bundle, ...(program === "migmgr" ? ["manager"] : []), ...words),
    node(sources[program], ...words),
  ]);
  expect(ours.all).toBe(theirs.all);
  expect(ours.stdout).toContain("--help");
});

it("tells a mistake as the sources do", async () => {
  const [ours, theirs] = await Promise.all([
    node(bundle, "start", "--migrationType", "all"),
    node(sources.migctl, "start", "--migrationType", "all"),
  ]);
  expect(ours.all).toBe(theirs.all);
  expect(ours.exitCode).toBe(2);
});

it("has the built-in applications in it", async () => {
  const unknown = await node(bundle, "plan", "--application", "nothing", ...someEndpoints());
  expect(unknown.stderr).toContain('There is no application "nothing"');
  const names = readdirSync("applications").map((file) => file.replace(/\.yaml$/, ""));
  expect(unknown.stderr).toContain(`Built in: ${names.sort().join(", ")}`);
});

function someEndpoints(): string[] {
  return between(
    { dir: folder, uriFile: join(folder, "uri") } as Side,
    { dir: folder, uriFile: join(folder, "uri") } as Side,
  );
}

describe("a migration by the one file", () => {
  let source: MadeSide;
  let destination: Side;

  beforeAll(async () => {
    source = await madeSide(join(folder, "a"), { server: "A", version: "4.2", cases: "plain" });
    destination = await emptySide(join(folder, "d"), "6.0");
  });
  afterAll(async () => {
    await source.mongod.stop();
    await destination.mongod.stop();
  });

  it("starts its own manager and brings every document", async () => {
    const ran = await node(bundle, "start", ...between(source, destination));
    expect(ran.stderr).not.toContain("Error");
    expect(ran.exitCode).toBe(0);
    expect(ran.stdout).toContain("done and verified");
    const found = await readHashes(destination.mongod.uri, "DLAAS");
    expect(found).toEqual(expectedHashes(source.oracle.scopes.server));
  });

  it("logs readable lines", async () => {
    const archive = ["--archive", join(folder, "b.zip"), "--log-format", "pretty"];
    const from = ["--uri-file", source.uriFile, "--database", "DLAAS", ...archive];
    const { exitCode, stderr } = await node(bundle, "manager", "db", "backup", ...from);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^\[.*\] .*INFO.*: /m);
  });

  it("has both drivers in it, and sends raw documents", async () => {
    const drivers = join(folder, "drivers", "drivers.mjs");
    await makeBundle(drivers, { entry: "test/integration/programs/bundled-drivers.ts" });
    const { stdout } = await node(drivers, source.uriFile);
    expect(JSON.parse(stdout)).toEqual({ driver: "legacy", sendsRaw: true });
  });
});
