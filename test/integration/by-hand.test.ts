import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  emptySide,
  type MadeSide,
  madeSide,
  programs,
  type Ran,
  run,
  type Side,
} from "../support/migration.ts";
import { readTree } from "../support/read-tree.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

let folder: string;
let source: MadeSide;
let destination: Side;
let archive: string;

beforeAll(async () => {
  folder = makeDir();
  source = await madeSide(join(folder, "a"), { server: "A", version: "4.4", cases: "plain" });
  destination = await emptySide(join(folder, "d"), "6.0");
  archive = join(folder, "a.zip");
  await backup("--archive", archive);
});
afterAll(async () => {
  await source.mongod.stop();
  await destination.mongod.stop();
  removeTree(folder);
});

/** Runs migmgr and expects of every run that it kept results, logs and secrets apart. */
async function migmgr(...args: string[]): Promise<Ran> {
  const ran = await run("migmgr", ...args);
  expect(ran.stdout).not.toContain('"level":');
  expect(ran.stdout + ran.stderr).not.toMatch(/canary|Y2FuYXJ5/);
  if (ran.stderr.includes("Error: ")) return ran;
  for (const line of ran.stderr.split("\n").filter(Boolean)) {
    expect(JSON.parse(line)).toMatchObject({ level: expect.any(Number), name: "migmgr" });
  }
  return ran;
}

async function json(...args: string[]) {
  const ran = await migmgr(...args, "-o", "json");
  return { code: ran.code, result: JSON.parse(ran.stdout) };
}

const atSource = () => ["--uri-file", source.uriFile, "--database", "DLAAS"];
const atDestination = () => ["--uri-file", destination.uriFile, "--database", "DLAAS"];

function backup(...flags: string[]): Promise<Ran> {
  return migmgr("db", "backup", ...atSource(), ...flags);
}

function allDocuments(): number {
  return Object.values(source.oracle.everything).flatMap((one) => Object.keys(one)).length;
}

/** A line of a table, by its first cell. */
function row({ stdout }: Ran, first: string): string[] | undefined {
  const line = stdout.split("\n").find((text) => text.startsWith(`${first} `));
  return line?.split(/ {2,}/);
}

describe("db backup", () => {
  it("prints its counts, and those of each collection", async () => {
    const ran = await backup("--archive", join(folder, "table.zip"));
    expect(ran.code).toBe(0);
    expect(row(ran, "documents")).toEqual(["documents", String(allDocuments())]);
    expect(row(ran, "COLLECTIONS")).toEqual(["COLLECTIONS", "DOCUMENTS", "BYTES"]);
    expect(row(ran, "DataSets")?.[1]).toBe(
      String(Object.keys(source.oracle.everything["DataSets"] ?? {}).length),
    );
  });

  it("takes the named collections alone", async () => {
    const flags = ["--archive", join(folder, "two.zip"), "--collection", "DataSets"];
    const { code, result } = await json(
      ...["db", "backup", ...atSource(), ...flags, "--collection", "DLTasks"],
    );
    expect(code).toBe(0);
    expect(Object.keys(result.collections).sort()).toEqual(["DLTasks", "DataSets"]);
  });

  it("leaves out what an application never moves", async () => {
    const flags = ["--archive", join(folder, "mvi.zip"), "--application", "mvi"];
    const { result } = await json("db", "backup", ...atSource(), ...flags);
    expect(Object.keys(result.collections)).toContain("DataSets");
    expect(Object.keys(result.collections)).not.toContain("Tokens");
  });

  it("refuses a collection that is not there instead of writing an empty archive", async () => {
    const flags = ["--archive", join(folder, "none.zip"), "--collection", "DataSet"];
    const ran = await backup(...flags);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(/no collection "DataSet" \(E_SCOPE\)\n {2}Did you mean "DataSets"/);
    expect(readdirSync(folder)).not.toContain("none.zip");
  });

  it("refuses a database without collections", async () => {
    const uriFile = join(folder, "admin.uri");
    writeFileSync(uriFile, source.mongod.adminUri, { mode: 0o600 });
    const flags = [
      "--uri-file",
      uriFile,
      "--database",
      "dlaas",
      "--archive",
      join(folder, "no.zip"),
    ];
    const ran = await migmgr("db", "backup", ...flags);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('The database "dlaas" holds no collections (E_SCOPE)');
  });

  it("leaves no file anywhere when the server fails half way", async () => {
    const places = ["cwd", "tmp", "out"].map((name) => join(folder, "stray", name));
    for (const place of places) mkdirSync(place, { recursive: true });
    const [cwd = "", TMPDIR, out = ""] = places;
    const failing = { failCommands: ["find"], errorCode: 13 };
    await failPoint({ mode: { skip: 6 }, data: failing });
    const flags = [...atSource(), "--archive", join(out, "a.zip")];
    const args = [programs.migmgr, "db", "backup", ...flags];
    const ran = await execa(process.execPath, args, { reject: false, cwd, env: { TMPDIR } });
    await failPoint({ mode: "off" });
    expect(ran.stderr).toContain("DataSet");
    expect(ran.exitCode).toBe(4);
    expect(places.flatMap((place) => readdirSync(place))).toEqual([]);
  });
});

async function failPoint(settings: object) {
  const client = new MongoClient(source.mongod.adminUri);
  await client.db("admin").command({ configureFailPoint: "failCommand", ...settings });
  await client.close();
}

describe("db restore and db verify", () => {
  const restore = (out: string) => [
    ...["db", "restore", ...atDestination(), "--archive", archive],
    ...["--report-dir", join(folder, out)],
  ];
  const verify = () => ["db", "verify", ...atDestination(), "--archive", archive];

  beforeEach(async () => {
    await onDestination((db) => db.dropDatabase());
    const { code, result } = await json(...restore("first"));
    expect(code).toBe(0);
    expect(total(result.verdicts)).toEqual({ migrated: allDocuments() });
  });

  async function onDestination(work: (db: ReturnType<MongoClient["db"]>) => Promise<unknown>) {
    const client = new MongoClient(destination.mongod.uri);
    await work(client.db("DLAAS"));
    await client.close();
  }

  function total(verdicts: Record<string, Record<string, number>>) {
    const sums: Record<string, number> = {};
    for (const [name, count] of Object.values(verdicts).flatMap((one) => Object.entries(one))) {
      if (count > 0) sums[name] = (sums[name] ?? 0) + count;
    }
    return sums;
  }

  it("finds all identical the second time", async () => {
    const { code, result } = await json(...restore("second"));
    expect(code).toBe(0);
    expect(total(result.verdicts)).toEqual({ identical: allDocuments() });
    const ran = await migmgr(...restore("third"));
    expect(row(ran, "COLLECTIONS")).toEqual(["COLLECTIONS", "DOCUMENTS", "IDENTICAL"]);
    expect((await migmgr(...verify())).code).toBe(0);
  });

  it("names what somebody changed meanwhile, and does not replace it", async () => {
    let id = "";
    await onDestination(async (db) => {
      const changed = await db.collection("DataSets").findOneAndUpdate({}, { $set: { locked: 7 } });
      id = String(changed?._id);
    });
    const verified = await migmgr(...verify());
    expect(verified.code).toBe(8);
    expect(verified.stderr).toContain(
      `1 documents are not at the destination as they were restored`,
    );
    expect(verified.stderr).toContain(`"${id}" of "DataSets", differs`);
    expect((await json(...verify())).result.error.code).toBe("E_INTEGRITY");

    const again = await migmgr(...restore("conflicts"));
    expect(again.code).toBe(3);
    expect(row(again, "COLLECTIONS")).toContain("CONFLICT");
    expect(readFileSync(join(folder, "conflicts/conflicts.ndjson"), "utf8")).toContain(id);
    await onDestination(async (db) => {
      expect(await db.collection("DataSets").countDocuments({ locked: 7 })).toBe(1);
    });
    const expected = await migmgr(...verify(), "--report-dir", join(folder, "conflicts"));
    expect(expected.code).toBe(0);
  });

  it("brings everything again, though the report folder says that it was done", async () => {
    await onDestination((db) => db.dropDatabase());
    expect(total((await json(...restore("first"))).result.verdicts)).toEqual({
      migrated: allDocuments(),
    });
    expect((await migmgr(...verify())).code).toBe(0);
  });

  it("finds what somebody removed", async () => {
    await onDestination((db) => db.collection("DataSets").deleteOne({}));
    const { code, stderr } = await migmgr(...verify());
    expect(code).toBe(8);
    expect(stderr).toMatch(/of "DataSets", is missing/);
  });

  it("ends with 3 where the destination does not take an index", async () => {
    await onDestination(async (db) => {
      await db.dropDatabase();
      await db.createCollection("DataSets");
      await db.collection("DataSets").createIndex({ owner: -1 }, { name: "by_owner" });
    });
    const ran = await migmgr(...restore("index"));
    expect(ran.code).toBe(3);
    expect(ran.stdout).toMatch(/DataSets +index +by_owner/);
  });
});

describe("files sync, files tar and files verify", () => {
  let to: string;
  let ledger: string;
  const both = () => ["--from", source.dir, "--to", to, "--exclude", "logs"];

  beforeEach(async () => {
    to = join(folder, "files");
    ledger = join(folder, "ledger");
    for (const path of [to, ledger]) rmSync(path, { recursive: true, force: true });
    mkdirSync(to);
    const { code, result } = await json("files", "sync", ...both(), "--ledger", ledger);
    expect(code).toBe(0);
    expect(result.filesSent).toBeGreaterThan(200);
  });

  /** Any file of some size that was copied, by its path below the folder. */
  function someFile(): string {
    const paths = readdirSync(to, { recursive: true, encoding: "utf8" });
    return paths.find((path) => path.endsWith(".jpg")) ?? "";
  }

  async function flipByte(file: string) {
    const content = readFileSync(join(to, file));
    content[100] = (content[100] ?? 0) ^ 1;
    writeFileSync(join(to, file), content);
    await execa("touch", ["-r", join(source.dir, file), join(to, file)]);
  }

  it("send nothing the second time, thanks to the ledger", async () => {
    const again = await migmgr("files", "sync", ...both(), "--ledger", ledger);
    expect(again.code).toBe(0);
    expect(row(again, "filesSent")).toEqual(["filesSent", "0"]);
    expect(row(again, "verdicts.identical")).toBeDefined();
    expect(again.stdout).not.toContain("conflict");
    expect(readdirSync(to)).not.toContain(".migmgr-unfinished");
  });

  it("name what is there with other content, and keep it", async () => {
    const file = someFile();
    writeFileSync(join(to, file), "of somebody else");
    const out = join(folder, "sync-out");
    const ran = await migmgr("files", "sync", ...both(), "--report-dir", out);
    expect(ran.code).toBe(3);
    expect(row(ran, file)?.slice(1)).toEqual(["conflict", "the size differs"]);
    expect(readFileSync(join(out, "files-conflicts.ndjson"), "utf8")).toContain(file);
    expect(readFileSync(join(to, file), "utf8")).toBe("of somebody else");
    const refused = await json("files", "sync", ...both(), "--on-conflict", "fail");
    expect(refused).toMatchObject({ code: 6, result: { error: { code: "E_CONFLICT" } } });
  });

  it("bring a single file by tar", async () => {
    const file = someFile();
    rmSync(join(to, file));
    const ran = await migmgr("files", "tar", "--from", source.dir, "--to", to, "--path", file);
    expect(ran.code).toBe(0);
    expect(row(ran, "filesSent")).toEqual(["filesSent", "1"]);
    expect(readFileSync(join(to, file))).toEqual(readFileSync(join(source.dir, file)));
  });

  it("find everything equal after a copy, with and without the ledger", async () => {
    for (const flags of [[], ["--ledger", ledger], ["--verify", "sample=5%"]]) {
      const { code, result } = await json("files", "verify", ...both(), ...flags);
      expect({ code, rejected: result.rejected }).toEqual({ code: 0, rejected: [] });
      expect(result.checked).toBeGreaterThan(200);
      expect(result.hashed).toBeGreaterThan(0);
    }
  });

  it("find a flipped byte of the same size and time, and a file that is gone", async () => {
    const flipped = someFile();
    await flipByte(flipped);
    const gone = "base-frcnn.caffemodel";
    rmSync(join(to, gone));
    for (const flags of [[], ["--ledger", ledger]]) {
      const ran = await migmgr("files", "verify", ...both(), ...flags);
      expect(ran.code).toBe(8);
      expect(ran.stderr).toContain("E_INTEGRITY");
      expect(ran.stderr).toContain(`${flipped}: content: expected `);
      expect(ran.stderr).toContain(`${gone}: existence: expected type f, found nothing`);
    }
    const out = join(folder, "verify-out");
    const { code, result } = await json("files", "verify", ...both(), "--report-dir", out);
    expect(code).toBe(8);
    expect(result.error.fields.problems).toHaveLength(2);
    const list = readFileSync(join(out, "files-mismatches.ndjson"), "utf8");
    expect(list).toContain(flipped);
    expect(list).toContain(gone);
  });

  it("take an attribute for a difference only where the ledger says that we set it", async () => {
    const file = someFile();
    utimesSync(join(to, file), 1, 1);
    expect((await migmgr("files", "verify", ...both())).code).toBe(0);
    const ran = await migmgr("files", "verify", ...both(), "--ledger", ledger);
    expect(ran.code).toBe(8);
    expect(ran.stderr).toContain(`${file}: mtimeNs: expected `);
  });

  it("change neither side nor the ledger by a verification", async () => {
    rmSync(join(to, someFile()));
    const look = async () => ({
      source: await readTree(source.dir),
      destination: await readTree(to),
      ledger: readdirSync(ledger).map((name) => [
        ...[name, statSync(join(ledger, name), { bigint: true }).mtimeNs],
        readFileSync(join(ledger, name)).toString("base64"),
      ]),
    });
    const before = await look();
    expect((await migmgr("files", "verify", ...both(), "--ledger", ledger)).code).toBe(8);
    expect(await look()).toEqual(before);
  });

  it("refuse to verify what cannot be known, or is not there", async () => {
    const written = await migmgr("files", "verify", ...both(), "--verify", "written");
    expect(written.code).toBe(2);
    expect(written.stderr).toMatch(/cannot be "written" here[\s\S]*sample=1%/);
    const missing = await migmgr("files", "verify", ...both(), "--path", "nobody");
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain('There is no "nobody" in');
  });
});

describe("status", () => {
  it("shows the steps of a migration by its folder alone", async () => {
    const to = join(folder, "status");
    mkdirSync(to);
    const [work, sides] = [join(folder, "work"), ["--source-dir", source.dir, "--dest-dir", to]];
    const flags = ["--migrationType", "files", "--name", "moved", "--work-dir", work];
    expect((await run("migctl", "start", ...flags, ...sides)).code).toBe(0);
    const ran = await migmgr("status", "--folder", join(work, "moved"));
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/^moved: done\nITEM +STEP +STATE +TIME +RESULT\n/);
    expect(ran.stdout).toMatch(/files-sync +done +\d+\.\d s +migrated \d+/);
    const { code, result } = await json("status", "--folder", join(work, "moved"));
    expect(code).toBe(0);
    expect(result).toMatchObject({ name: "moved", state: "done", exitCode: 0 });
    expect((await migmgr("status", "--folder", join(work, "nowhere"))).code).toBe(2);
  });
});
