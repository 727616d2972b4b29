import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ServerName, Size } from "../fixtures/server/context.ts";
import { makeServer, type ServerOptions } from "../fixtures/server/make-server.ts";
import type { Hashes, Oracle, ScopeOracle } from "../fixtures/server/oracle.ts";
import { type RunningMongod, startMongod } from "./mongod.ts";
import type { MongodVersion } from "./mongod-binary.ts";
import { bundledPrograms } from "./programs.ts";

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Both programs as their sources, which node compiles at each beginning. */
export const sources = {
  migctl: resolve("src/cli/main.ts"),
  migmgr: resolve("src/manager/main.ts"),
};

/** Both programs as they are delivered, where the tests' setup has bundled them. */
export const programs = bundledPrograms(process.env["MIGCTL_TEST_PROGRAMS"]) ?? sources;

/** Runs one of the programs as its user does, in a process of its own. */
export async function run(program: keyof typeof programs, ...args: string[]): Promise<Ran> {
  const child = spawn(process.execPath, [programs[program], ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

/** One side of a migration: a folder, a mongod, and the file with its URI. */
export interface Side {
  mongod: RunningMongod;
  dir: string;
  uriFile: string;
}

export interface MadeSide extends Side {
  oracle: Oracle;
  options: ServerOptions;
}

export async function emptySide(folder: string, version: MongodVersion): Promise<Side> {
  return sideWith(await startMongod({ version, auth: true }), folder);
}

/** A side of its own in `folder`, with the database of a server that runs. */
export function sideWith(mongod: RunningMongod, folder: string): Side {
  const dir = join(folder, "data");
  mkdirSync(dir, { recursive: true });
  const uriFile = join(folder, "uri");
  writeFileSync(uriFile, `${mongod.uri}\n`, { mode: 0o600 });
  return { mongod, dir, uriFile };
}

export interface Fixture {
  server: ServerName;
  version: MongodVersion;
  size?: Size;
  cases?: string;
}

export async function madeSide(folder: string, fixture: Fixture): Promise<MadeSide> {
  const { server, version, size = "s", cases = "all" } = fixture;
  const side = await emptySide(folder, version);
  const options = { seed: "1", size, server, cases, mongo: side.mongod.uri, root: side.dir };
  return { ...side, options, oracle: await makeServer(options) };
}

/** The flags that name both sides. */
export function between(source: Side, destination: Side): string[] {
  return [
    ...["--source-dir", source.dir, "--source-uri-file", source.uriFile],
    ...["--dest-dir", destination.dir, "--dest-uri-file", destination.uriFile],
  ];
}

/** The hashes that the destination must have for a scope, after the documented fix-ups. */
export function expectedHashes(scope: ScopeOracle): Hashes {
  const expected: Hashes = {};
  for (const [collection, hashes] of Object.entries(scope.documents)) {
    expected[collection] = { ...hashes, ...scope.documentsAfter[collection] };
  }
  return expected;
}

/** The report that a run left, as JSON. */
export function readReport(source: Side, name: string) {
  const path = join(source.dir, "logs/migrations", name, "report.json");
  return JSON.parse(readFileSync(path, "utf8"));
}

/** The name of the migration that a run announced. */
export function migrationName({ stderr }: Ran): string {
  return /^Migration (\S+), in/m.exec(stderr)?.[1] ?? "";
}
