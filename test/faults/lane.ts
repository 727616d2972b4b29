import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { BSON, MongoClient } from "mongodb";
import { expect } from "vitest";
import { between, programs, run, type Side } from "../support/migration.ts";
import { indexesOf, rsyncDifferences } from "../support/peers.ts";
import {
  application,
  expectedHashes,
  fillDestination,
  fillSource,
  hashOf,
  user,
} from "./fixture.ts";

/** Where one run at a time is tried: folders and databases of its own. */
export interface Lane {
  /** Takes away what earlier runs did, on both sides. */
  reset(): Promise<void>;
  manage(env: Record<string, string>, ...flags: string[]): Promise<Ended>;
  /** Judged by what shares no code with the product. */
  expectEqual(): Promise<void>;
  expectSameReport(as: unknown): void;
  report(): unknown;
  close(): Promise<void>;
}

export interface Ended {
  /** The exit code, the signal, or that it did not end at all. */
  end: number | string;
  output: string;
}

export interface LaneOptions {
  folder: string;
  /** Tells its databases from those of the other lanes. */
  database: string;
  source: Side["mongod"];
  destination: Side["mongod"];
  /** Something is at the destination already, and is to be overwritten. */
  occupied: boolean;
}

/** No run of so little takes so long, unless it hangs. */
const patienceMs = 120_000;

export async function makeLane(options: LaneOptions): Promise<Lane> {
  const { folder, database } = options;
  const source = sideOf(options.source, join(folder, "source"));
  const destination = sideOf(options.destination, join(folder, "destination"));
  const clients = {
    source: await MongoClient.connect(source.mongod.adminUri),
    destination: await MongoClient.connect(destination.mongod.adminUri),
  };
  const to = clients.destination.db(database);
  await fillSource(clients.source.db(database), source.dir);

  async function reset() {
    rmSync(join(source.dir, "logs"), { recursive: true, force: true });
    rmSync(destination.dir, { recursive: true, force: true });
    mkdirSync(destination.dir);
    await to.dropDatabase();
    if (options.occupied) await fillDestination(to, destination.dir);
  }

  await reset();
  const plan = join(folder, "plan.json");
  writeFileSync(plan, await makePlan(source, destination, options));
  const indexes = (await indexesOf(source.mongod.adminUri, database))["Items"];
  const migrations = join(source.dir, "logs/migrations");

  function report() {
    const name = readdirSync(migrations).find((each) => each !== "ledger") ?? "";
    return JSON.parse(readFileSync(join(migrations, name, "report.json"), "utf8")).totals;
  }

  return {
    reset,
    report,
    async manage(env, ...flags) {
      const args = [programs.migmgr, "run", "--plan", plan, ...flags];
      const { exitCode, signal, timedOut, all } = await execa(process.execPath, args, {
        ...{ env, all: true, reject: false, timeout: patienceMs, killSignal: "SIGKILL" },
      });
      return { end: timedOut ? "hangs" : (exitCode ?? signal ?? "unknown"), output: all };
    },
    async expectEqual() {
      const found: Record<string, Record<string, string>> = {};
      for (const name of Object.keys(expectedHashes())) {
        const raw = await to.collection(name).find({}, { raw: true }).toArray();
        found[name] = Object.fromEntries(raw.map((one) => identified(one as never)));
      }
      expect(found).toEqual(expectedHashes());
      const indexed = (await indexesOf(destination.mongod.adminUri, database))["Items"];
      if (!options.occupied) expect(indexed).toEqual(indexes);
      const exclude = ["/logs", "/bob"];
      const differences = await rsyncDifferences(source.dir, destination.dir, { exclude });
      // Folders that were there before keep their attributes; the root always is.
      const isTheirs = (line: string) =>
        line.startsWith(".d") && (options.occupied || line.endsWith(" ./"));
      expect(differences.filter((line) => !isTheirs(line))).toEqual([]);
    },
    expectSameReport: (as) => expect(report()).toEqual(as),
    async close() {
      await clients.source.close();
      await clients.destination.close();
    },
  };
}

function sideOf(mongod: Side["mongod"], folder: string): Side {
  const dir = join(folder, "data");
  mkdirSync(dir, { recursive: true });
  const uriFile = join(folder, "uri");
  writeFileSync(uriFile, `${mongod.adminUri}\n`, { mode: 0o600 });
  return { mongod, dir, uriFile };
}

async function makePlan(source: Side, destination: Side, options: LaneOptions): Promise<string> {
  const { folder, database, occupied } = options;
  const description = join(folder, "tiny.yaml");
  writeFileSync(description, application);
  const { code, stdout, stderr } = await run(
    "migctl",
    ...["plan", "-o", "json", ...between(source, destination), "--application", description],
    ...["--source-database", database, "--dest-database", database, "--user", user],
    ...["--after", "run", ...(occupied ? ["--on-conflict", "overwrite"] : [])],
  );
  expect(code, stderr).toBe(0);
  return JSON.stringify(JSON.parse(stdout).plan);
}

function identified(raw: Uint8Array): [string, string] {
  const { _id } = BSON.deserialize(raw);
  return [String(_id), hashOf(raw)];
}
