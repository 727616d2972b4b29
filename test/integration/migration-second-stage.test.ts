import { appendFileSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ChangedOracle, changeServer } from "../fixtures/server/change-server.ts";
import { damageFile } from "../support/damage-file.ts";
import {
  between,
  emptySide,
  expectedHashes,
  type MadeSide,
  madeSide,
  migrationName,
  readReport,
  run,
  type Side,
} from "../support/migration.ts";
import { readHashes } from "../support/read-documents.ts";
import { readTree } from "../support/read-tree.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

describe("a rehearsal, changes at the source, and a second run", () => {
  let folder: string;
  let source: MadeSide;
  let destination: Side;
  let oracle: ChangedOracle;
  let report: ReturnType<typeof readReport>;
  let touched: { document: string; file: string };
  /** One that nobody had changed. */
  let damaged: string;

  beforeAll(async () => {
    folder = makeDir();
    source = await madeSide(join(folder, "a"), { server: "A", version: "4.4", cases: "plain" });
    destination = await emptySide(join(folder, "d"), "6.0");
    const rehearsal = await run("migctl", "start", ...between(source, destination));
    expect(rehearsal.code).toBe(0);
    oracle = await changeServer(source.options);
    touched = await changeDestination();
    const second = await run("migctl", "start", ...between(source, destination), "--rerun");
    expect(second.code).toBe(3);
    report = readReport(source, migrationName(second));
  });
  afterAll(async () => {
    await source.mongod.stop();
    await destination.mongod.stop();
    removeTree(folder);
  });

  /** Somebody changes a document and a file at the destination that we had brought. */
  async function changeDestination() {
    const changed = new Set(
      oracle.changes.changedDocuments.map(({ collection, key }) => `${collection}/${key}`),
    );
    const ids = Object.keys(source.oracle.scopes.server.documents["DataSetTags"] ?? {});
    const id = ids.find((key) => !changed.has(`DataSetTags/${key}`))!.slice(2);
    const client = await MongoClient.connect(destination.mongod.uri);
    const result = await client
      .db("DLAAS")
      .collection<{ _id: string }>("DataSetTags")
      .updateOne({ _id: id }, { $set: { label_count: 4711 } });
    await client.close();
    expect(result.modifiedCount).toBe(1);
    const { changedFiles, addedFiles, deletedFiles, renamedFiles, touchedFiles } = oracle.changes;
    const changes = JSON.stringify({
      changedFiles,
      addedFiles,
      deletedFiles,
      renamedFiles,
      touchedFiles,
    });
    const untouched = Object.entries(source.oracle.scopes.server.files).filter(
      ([path, { type }]) => type === "file" && path.endsWith(".jpg") && !changes.includes(path),
    );
    const [file, other] = untouched.map(([path]) => path);
    if (file === undefined || other === undefined) throw new Error("All files were changed");
    damaged = other;
    appendFileSync(join(destination.dir, file), "changed by somebody");
    return { document: id, file };
  }

  it("updates exactly the documents that changed and adds those that are new", () => {
    const { changedDocuments, addedDocuments } = oracle.changes;
    expect(report.totals.documents).toMatchObject({
      updated: changedDocuments.length,
      migrated: addedDocuments.length,
      conflict: 1,
      rejected: 0,
    });
  });

  it("keeps what somebody changed at the destination, and lists it", async () => {
    const client = await MongoClient.connect(destination.mongod.uri);
    const kept = await client
      .db("DLAAS")
      .collection<{ _id: string; label_count?: number }>("DataSetTags")
      .findOne({ _id: touched.document });
    await client.close();
    expect(kept?.label_count).toBe(4711);
    expect(readFileSync(join(destination.dir, touched.file), "latin1")).toMatch(
      /changed by somebody$/,
    );
    const lists = join(source.dir, "logs/migrations", report.name);
    expect(readFileSync(join(lists, "db/server/conflicts.ndjson"), "utf8")).toContain(
      touched.document,
    );
    const fileList = readFileSync(join(lists, "inventory/server/files-conflicts.ndjson"), "utf8");
    expect(fileList).toContain(touched.file);
  });

  it("has all other documents as the source has them now", async () => {
    const found = await readHashes(destination.mongod.uri, "DLAAS");
    for (const [collection, hashes] of Object.entries(expectedHashes(oracle.scopes.server))) {
      const { [`s:${touched.document}`]: _theirs, ...rest } = hashes;
      expect
        .soft(found[collection], collection)
        .toMatchObject(collection === "DataSetTags" ? rest : hashes);
    }
  });

  it("has all other files as the source has them now, also one that kept its size and time", async () => {
    const found = await readTree(destination.dir);
    for (const [path, fact] of Object.entries(oracle.scopes.server.files)) {
      if (path === touched.file || fact.type === "dir") continue;
      expect.soft(found[path], path).toEqual(fact);
    }
    expect(oracle.changes.unseenFiles.length).toBeGreaterThan(0);
  });

  it("sends the changed files alone", () => {
    const steps: { kind: string; output?: { bytesSent?: number } }[] = report.items[0].steps;
    const sent = steps
      .filter(({ kind }) => kind === "files-sync")
      .reduce((sum, { output }) => sum + (output?.bytesSent ?? 0), 0);
    const { changedFiles, addedFiles, renamedFiles, unseenFiles, touchedFiles } = oracle.changes;
    const paths = [...changedFiles, ...addedFiles, ...unseenFiles, ...touchedFiles].map(String);
    const renamed = renamedFiles.map((one: unknown) => JSON.stringify(one)).length;
    const whole = Object.values(oracle.scopes.server.files).reduce(
      (sum, { size }) => sum + size,
      0,
    );
    const changed = paths.reduce(
      (sum, path) => sum + (oracle.scopes.server.files[path]?.size ?? 0),
      0,
    );
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThanOrEqual(changed + renamed * 200_000);
    expect(sent).toBeLessThan(whole / 2);
  });

  it("calls it damage when what was brought is verified, and what somebody did when it is run again", async () => {
    const file = join(destination.dir, damaged);
    await damageFile(file);
    const bad = readFileSync(file);
    const verified = await run("migctl", "verify", "--source-dir", source.dir, "--verify", "full");
    expect(verified).toMatchObject({ code: 8 });
    expect(verified.stdout).toContain(`in the content of "${damaged}"`);
    const flags = ["--rerun", "--verify", "full"];
    const again = await run("migctl", "start", ...between(source, destination), ...flags);
    expect(again).toMatchObject({ code: 3 });
    const lists = join(source.dir, "logs/migrations", report.name, "inventory/server");
    const listed = readFileSync(join(lists, "files-conflicts.ndjson"), "utf8");
    const line = listed.split("\n").find((text) => text.includes(damaged));
    expect(line).toContain("the content differs, and was changed since it was written");
    expect(readFileSync(file)).toEqual(bad);
  });

  it("leaves no unfinished folder at the destination", () => {
    expect(
      statSync(join(destination.dir, `.migctl-${report.name}`), { throwIfNoEntry: false }),
    ).toBeUndefined();
  });
});
