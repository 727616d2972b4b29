import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { emptySide, type MadeSide, madeSide, run, type Side } from "../support/migration.ts";
import { type MongoTools, provideMongoTools } from "../support/mongo-tools.ts";
import type { MongodVersion } from "../support/mongod-binary.ts";
import { dbHash, indexesOf } from "../support/peers.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

const tools = await provideMongoTools();

function theTools(): MongoTools {
  if ("missing" in tools) throw new Error(tools.missing);
  return tools;
}

interface Entry {
  name: string;
  documents: number;
  entry?: string;
}

describe
  .skipIf("missing" in tools)
  .each<{ from: MongodVersion }>([{ from: "4.4" }, { from: "6.0" }])(
  "beside the stock tools, from MongoDB $from to 6.0",
  ({ from }) => {
    let folder: string;
    let source: MadeSide;
    let destination: Side;
    let archive: string;

    beforeAll(async () => {
      theTools();
      folder = makeDir();
      source = await madeSide(join(folder, "a"), { server: "A", version: from, cases: "all" });
      destination = await emptySide(join(folder, "d"), "6.0");
      archive = join(folder, "a.zip");
      const uri = ["--uri-file", source.uriFile, "--database", "DLAAS"];
      const ran = await run("migmgr", "db", "backup", ...uri, "--archive", archive);
      expect(ran.stderr).not.toContain("Error");
      await execa("unzip", ["-q", archive, "-d", join(folder, "unzipped")]);
    });
    afterAll(async () => {
      await source?.mongod.stop();
      await destination?.mongod.stop();
      removeTree(folder);
    });
    beforeEach(async () => {
      const client = new MongoClient(destination.mongod.uri);
      await client.db("DLAAS").dropDatabase();
      await client.close();
    });

    function manifest(): { collections: Entry[] } {
      return JSON.parse(readFileSync(join(folder, "unzipped/manifest.json"), "utf8"));
    }

    async function expectEqual() {
      const [before, after] = [source.mongod.uri, destination.mongod.uri];
      const hashes = await dbHash(after, "DLAAS");
      expect(Object.keys(hashes).length).toBeGreaterThan(25);
      expect(hashes).toEqual(await dbHash(before, "DLAAS"));
      // Servers before 4.4 name the namespace in each index.
      const expected = JSON.stringify(await indexesOf(before, "DLAAS"), (key, value) =>
        key === "ns" ? undefined : value,
      );
      expect(await indexesOf(after, "DLAAS")).toEqual(JSON.parse(expected));
    }

    async function mongodump(...flags: string[]): Promise<string> {
      const out = join(folder, `dump${flags.join("")}`);
      const args = ["--quiet", "--uri", source.mongod.adminUri, "--db", "DLAAS", "--out", out];
      await execa(theTools().mongodump, [...args, ...flags]);
      return out;
    }

    async function restore(path: string) {
      const uri = ["--uri-file", destination.uriFile, "--database", "DLAAS"];
      const out = join(folder, "out");
      const into = [...uri, "--archive", path, "--report-dir", out, "-o", "json"];
      const ran = await run("migmgr", "db", "restore", ...into);
      expect(ran.stderr).not.toContain("Error");
      expect(ran.code).toBe(0);
      expect(JSON.parse(ran.stdout).differences).toEqual([]);
      const verified = await run("migmgr", "db", "verify", ...uri, "--archive", path);
      expect(verified.stderr).not.toContain("Error");
      expect(verified.code).toBe(0);
    }

    it("makes an archive that unzip finds whole", async () => {
      const { stdout } = await execa("unzip", ["-t", archive]);
      expect(stdout).toContain("No errors detected");
    });

    it("makes entries that bsondump reads, with the counts of the manifest", async () => {
      const counts: Record<string, number> = {};
      const expected: Record<string, number> = {};
      for (const { name, entry, documents } of manifest().collections) {
        if (entry === undefined) continue;
        const path = join(folder, "unzipped", entry);
        const { stderr } = await execa(theTools().bsondump, ["--outFile=/dev/null", path]);
        counts[name] = Number(/(\d+) objects found/.exec(stderr)?.[1]);
        expected[name] = documents;
      }
      expect(counts).toEqual(expected);
      const all = Object.values(source.oracle.everything).flatMap((one) => Object.keys(one));
      expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(all.length);
    });

    it("makes an archive that mongorestore restores, once it is unzipped", async () => {
      const dump = join(folder, "unzipped/DLAAS");
      const uri = ["--quiet", "--uri", destination.mongod.adminUri, "--db", "DLAAS"];
      await execa(theTools().mongorestore, [...uri, dump]);
      await expectEqual();
    });

    it("restores a folder that mongodump wrote", async () => {
      await restore(await mongodump());
      await expectEqual();
    });

    it("restores a zip file of such a folder", async () => {
      const zip = join(folder, "dump.zip");
      await execa("python3", ["-m", "zipfile", "-c", zip, join(await mongodump(), "DLAAS")]);
      await restore(zip);
      await expectEqual();
    });

    it("restores a folder that mongodump wrote with --gzip", async () => {
      await restore(await mongodump("--gzip"));
      await expectEqual();
    });
  },
);
