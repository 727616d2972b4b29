import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { changesBetween, Fingerprint } from "../../../src/plan/fingerprint.ts";
import { takeFingerprint } from "../../../src/workers/fingerprint.ts";
import { samplePlan } from "../../support/sample-plan.ts";
import { tempDir } from "../../support/temp-dir.ts";

function madeTree() {
  const dir = tempDir();
  mkdirSync(join(dir, "jane/models"), { recursive: true });
  mkdirSync(join(dir, "logs/migrations"), { recursive: true });
  writeFileSync(join(dir, "jane/models/one.bin"), "first");
  writeFileSync(join(dir, "jane/list.txt"), "list");
  return dir;
}

function ask(dir: string, changes: Parameters<typeof samplePlan>[0] = {}) {
  const plan = samplePlan({
    migrationType: "files",
    source: { kind: "local", dir, identity: "aaaa" },
    workDir: join(dir, "logs/migrations"),
    ...changes,
  });
  return takeFingerprint(plan, { signal: new AbortController().signal });
}

it("is what its schema says, and equal while nobody writes", async () => {
  const dir = madeTree();
  const first = await ask(dir);
  readFileSync(join(dir, "jane/models/one.bin"));
  const second = await ask(dir);
  expect(Fingerprint.parse(first)).toEqual(second);
  expect(first.files).toMatchObject({ entries: 4, bytes: 9, unreadable: 0 });
  expect(first.files?.newest).toHaveLength(4);
  expect(changesBetween(first, second)).toEqual([]);
});

it.each<[string, (dir: string) => void, RegExp]>([
  [
    "other content of the same length, with its old time",
    (dir) => {
      writeFileSync(join(dir, "jane/models/one.bin"), "other");
      utimesSync(join(dir, "jane/models/one.bin"), 1, 1);
    },
    /^files \(newest "jane\/models\/one\.bin"\)$/,
  ],
  [
    "another mode",
    (dir) => chmodSync(join(dir, "jane/list.txt"), 0o600),
    /newest "jane\/list\.txt"/,
  ],
  ["a new file", (dir) => writeFileSync(join(dir, "jane/new"), "12"), /\+1 entries; \+2 bytes/],
  ["a file that is gone", (dir) => rmSync(join(dir, "jane/list.txt")), /-1 entries; -4 bytes/],
  [
    "another name",
    (dir) => renameSync(join(dir, "jane/list.txt"), join(dir, "jane/last.txt")),
    /jane\/last\.txt/,
  ],
])("is changed by %s", async (_, change, words) => {
  const dir = madeTree();
  const before = await ask(dir);
  change(dir);
  const [told, ...others] = changesBetween(before, await ask(dir));
  expect(told).toMatch(words);
  expect(others).toEqual([]);
});

it("is not changed by what never moves, nor by the tool's own folder", async () => {
  const dir = madeTree();
  const before = await ask(dir);
  writeFileSync(join(dir, "logs/product.log"), "line");
  writeFileSync(join(dir, "logs/migrations/status.json"), "{}");
  mkdirSync(join(dir, "run"));
  expect(changesBetween(before, await ask(dir))).toEqual([]);
});

it("leaves the tool's own folder out even when its surroundings are taken along", async () => {
  const dir = madeTree();
  const options = { ...samplePlan().options, includePaths: ["logs"] };
  const before = await ask(dir, { options });
  writeFileSync(join(dir, "logs/migrations/status.json"), "{}");
  expect(changesBetween(before, await ask(dir, { options }))).toEqual([]);
  writeFileSync(join(dir, "logs/product.log"), "line");
  expect(changesBetween(before, await ask(dir, { options }))).toEqual([
    expect.stringContaining('"logs/product.log"'),
  ]);
});

it("sees a change although another entry claims to be of the future", async () => {
  const at = (path: string, ctime: bigint) => ({ path, ctime: ctime.toString() });
  const files = { entries: 6, bytes: 1, unreadable: 0 };
  const newest = [1, 2, 3, 4, 5].map((n) => at(`future-${n}`, 9n * 10n ** 18n));
  const before: Fingerprint = { version: 1, files: { ...files, ctimes: "10", newest } };
  const after: Fingerprint = { version: 1, files: { ...files, ctimes: "11", newest } };
  expect(changesBetween(before, after)).toEqual(["files (times of change)"]);
});

it("stops when it is told to", async () => {
  const dir = madeTree();
  for (let n = 0; n < 1000; n++) writeFileSync(join(dir, `jane/${n}`), "");
  const plan = samplePlan({
    migrationType: "files",
    source: { kind: "local", dir, identity: "a" },
  });
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(takeFingerprint(plan, { signal })).rejects.toThrow("enough");
});

const one = { documents: 2, bytes: 20, writes: 7 };

function ofDatabase(database: Fingerprint["database"]): Fingerprint {
  return { version: 1, ...(database === undefined ? {} : { database }) };
}

it("names the collections that were written to, and how", () => {
  const before = ofDatabase({
    ...{ evidence: "latencyStats", process: "p" },
    collections: { A: one, B: one, Gone: one },
  });
  const after = ofDatabase({
    ...{ evidence: "latencyStats", process: "p" },
    collections: { A: { ...one, writes: 9 }, B: { ...one, documents: 1, bytes: 5 }, New: one },
  });
  expect(changesBetween(before, after)).toEqual([
    'collection "A" (+2 write operations)',
    'collection "B" (-1 documents, -15 bytes)',
    'collection "Gone" (gone)',
    'collection "New" (new)',
  ]);
});

it.each([
  ["a restart of the server", { process: "q" }, "the database server was restarted"],
  ["evidence of another kind", { evidence: "size" as const }, "tells of writes otherwise"],
])("takes %s for a change", (_, change, words) => {
  const state = { evidence: "latencyStats" as const, process: "p", collections: { A: one } };
  expect(changesBetween(ofDatabase(state), ofDatabase({ ...state, ...change }))).toEqual([
    expect.stringContaining(words),
  ]);
});

it("does not compare who is connected", () => {
  const connected = [{ host: "10.0.0.1", connections: 1 }];
  expect(changesBetween({ version: 1 }, { version: 1, connected })).toEqual([]);
});
