import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Hashes } from "../fixtures/server/oracle.ts";
import {
  between,
  expectedHashes,
  type MadeSide,
  madeSide,
  migrationName,
  type Ran,
  readReport,
  run,
} from "../support/migration.ts";
import { readHashes } from "../support/read-documents.ts";
import { readTree } from "../support/read-tree.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

describe("two servers into one that already holds half of the first", () => {
  let folder: string;
  let a: MadeSide;
  let b: MadeSide;
  let d: MadeSide;
  let before: { documents: Hashes; files: Awaited<ReturnType<typeof readTree>> };
  let after: typeof before;
  let ranA: Ran;
  let ranB: Ran;

  beforeAll(async () => {
    folder = makeDir();
    a = await madeSide(join(folder, "a"), { server: "A", version: "4.2" });
    b = await madeSide(join(folder, "b"), { server: "B", version: "4.4" });
    d = await madeSide(join(folder, "d"), { server: "D", version: "6.0" });
    before = await stateOf(d);
    ranA = await run("migctl", "start", ...between(a, d));
    ranB = await run("migctl", "start", ...between(b, d));
    after = await stateOf(d);
  });
  afterAll(async () => {
    for (const side of [a, b, d]) await side.mongod.stop();
    removeTree(folder);
  });

  async function stateOf(side: MadeSide) {
    return {
      documents: await readHashes(side.mongod.uri, "DLAAS"),
      files: await readTree(side.dir),
    };
  }

  it("ends with 3, as there are conflicts", () => {
    expect([ranA.code, ranB.code]).toEqual([3, 3]);
  });

  it("leaves every document and file that the destination had as it was", () => {
    for (const [collection, hashes] of Object.entries(before.documents)) {
      expect.soft(after.documents[collection], collection).toMatchObject(hashes);
    }
    for (const [path, fact] of Object.entries(before.files)) {
      const { mtimeNs: _time, nlink: _links, ...kept } = fact;
      expect
        .soft(after.files[path], path)
        .toMatchObject(fact.type === "dir" ? kept : { ...kept, mtimeNs: fact.mtimeNs });
    }
  });

  it("brings each document of both servers unless the destination has it, or refuses it", () => {
    const report = [readReport(a, migrationName(ranA)), readReport(b, migrationName(ranB))];
    for (const [index, source] of [a, b].entries()) {
      const expected = expectedHashes(source.oracle.scopes.server);
      let differs = 0;
      for (const [collection, hashes] of Object.entries(expected)) {
        for (const [id, hash] of Object.entries(hashes)) {
          if (after.documents[collection]?.[id] !== hash) differs += 1;
        }
      }
      const { conflict, rejected } = report[index].totals.documents;
      expect(conflict + rejected).toBe(differs);
    }
  });

  it("counts as identical exactly what the destination held of the first server before", () => {
    const expected = expectedHashes(a.oracle.scopes.server);
    let identical = 0;
    for (const [collection, hashes] of Object.entries(expected)) {
      for (const [id, hash] of Object.entries(hashes)) {
        if (before.documents[collection]?.[id] === hash) identical += 1;
      }
    }
    const { documents } = readReport(a, migrationName(ranA)).totals;
    expect(identical).toBeGreaterThan(50);
    expect(documents.identical).toBe(identical);
    expect(documents.updated).toBe(0);
  });

  it("has nothing more to do when the first server is moved again", async () => {
    const again = await run("migctl", "start", ...between(a, d), "--rerun");
    const { totals } = readReport(a, migrationName(again));
    expect(totals.documents.migrated + totals.documents.updated).toBe(0);
    expect(totals.files.migrated + totals.files.updated).toBe(0);
    expect(await stateOf(d)).toEqual(after);
  });

  it("replaces what differs when told to, and keeps what it replaced", async () => {
    const ran = await run(
      "migctl",
      "start",
      ...between(a, d),
      "--rerun",
      "--on-conflict",
      "overwrite",
    );
    const report = readReport(a, migrationName(ran));
    expect(report.totals.documents.updated).toBeGreaterThan(0);
    const found = await readHashes(d.mongod.uri, "DLAAS");
    let differs = 0;
    for (const [collection, hashes] of Object.entries(expectedHashes(a.oracle.scopes.server))) {
      for (const [id, hash] of Object.entries(hashes))
        if (found[collection]?.[id] !== hash) differs += 1;
    }
    const { conflict, rejected } = report.totals.documents;
    expect(differs).toBe(conflict + rejected);
  });
});
