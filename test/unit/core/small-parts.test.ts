import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeFolder, writeFileAtomic } from "../../../src/core/atomic-file.ts";
import {
  asMigrationError,
  codeOf,
  errorCodes,
  exitCodes,
  MigrationError,
  toErrorRecord,
} from "../../../src/core/errors.ts";
import { makeLog } from "../../../src/core/log.ts";
import { type Progress, throttleReports } from "../../../src/core/progress.ts";
import { withReleasers } from "../../../src/core/releasers.ts";
import { registerSecret } from "../../../src/core/secrets.ts";
import { addVerdicts, noVerdicts, sumOfVerdicts, verdicts } from "../../../src/core/verdict.ts";
import { tempDir } from "../../support/temp-dir.ts";

it("replaces a file whole and leaves nothing beside it", async () => {
  const folder = tempDir();
  const path = join(folder, "x.json");
  await writeFileAtomic(path, "first");
  await writeFileAtomic(path, Buffer.from("second"), 0o600);
  expect(readFileSync(path, "utf8")).toBe("second");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(["x.json"]);
});

it("replaces a link by the file and leaves alone what it points at", async () => {
  const folder = tempDir();
  writeFileSync(join(folder, "target"), "kept");
  symlinkSync("target", join(folder, "link"));
  await writeFileAtomic(join(folder, "link"), "new");
  expect([
    readFileSync(join(folder, "target"), "utf8"),
    readFileSync(join(folder, "link"), "utf8"),
  ]).toEqual(["kept", "new"]);
});

it("keeps the old content when the new cannot be written", async () => {
  const folder = tempDir();
  const path = join(folder, "x");
  await writeFileAtomic(path, "old");
  await makeFolder(`${path}.tmp`);
  await expect(writeFileAtomic(path, "new")).rejects.toMatchObject({ code: "EISDIR" });
  expect(readFileSync(path, "utf8")).toBe("old");
});

it("makes a folder with its parents, also when it is there", async () => {
  const path = join(tempDir(), "a/b/c");
  await makeFolder(path, 0o700);
  chmodSync(path, 0o750);
  await makeFolder(path);
  expect(existsSync(path)).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o750);
});

it("releases last in first out and returns what the work made", async () => {
  const order: string[] = [];
  const result = await withReleasers(async (release) => {
    release(() => order.push("first"));
    release(async () => order.push("second"));
    return 42;
  });
  expect({ result, order }).toEqual({ result: 42, order: ["second", "first"] });
});

it("releases all, and keeps the first error, when work and releases fail", async () => {
  const order: string[] = [];
  const run = withReleasers(async (release) => {
    release(() => order.push("first"));
    release(() => {
      throw new Error("of a release");
    });
    throw new Error("of the work");
  });
  await expect(run).rejects.toThrow("of the work");
  expect(order).toEqual(["first"]);
});

it("fails when only a release fails, whatever was returned", async () => {
  const run = withReleasers(async (release) => {
    release(() => Promise.reject(new Error("of a release")));
    return undefined;
  });
  await expect(run).rejects.toThrow("of a release");
});

it("returns nothing where the work returns nothing", async () => {
  await expect(withReleasers(async () => undefined)).resolves.toBeUndefined();
});

it("passes one report in a while on, and the newest in the end", () => {
  let now = 0;
  const seen: Progress[] = [];
  const { push, flush } = throttleReports(
    (progress) => seen.push(progress),
    100,
    () => now,
  );
  for (let i = 0; i < 25; i += 1) {
    now = i * 10;
    push({ phase: String(i) });
  }
  flush();
  flush();
  expect(seen.map(({ phase }) => phase)).toEqual(["0", "10", "20", "24"]);
});

it("adds and sums verdicts, all of them", () => {
  const counts = noVerdicts();
  for (const [index, verdict] of verdicts.entries())
    addVerdicts(counts, { ...noVerdicts(), [verdict]: index + 1 });
  expect(counts).toEqual({
    migrated: 1,
    updated: 2,
    identical: 3,
    conflict: 4,
    rejected: 5,
    missing: 6,
  });
  expect(sumOfVerdicts(counts)).toBe(21);
});

it("gives every error code an exit code that is told and is not success", () => {
  for (const [code, { exit, meaning }] of Object.entries(errorCodes)) {
    expect(code).toMatch(/^E_[A-Z_]+$/);
    expect(Object.values(exitCodes)).toContain(exit);
    expect(exit).toBeGreaterThan(0);
    expect(meaning).toMatch(/^[A-Z].*[^.]$/);
  }
});

it.each<[string, unknown, string]>([
  ["an error", new TypeError("boom"), "boom"],
  ["an error without a message", new Error(""), "Unknown error"],
  ["text", "boom", "boom"],
  ["nothing", undefined, "undefined"],
  ["null", null, "null"],
])("makes %s that was thrown an unexpected one", (_, thrown, message) => {
  const error = asMigrationError(thrown);
  expect(error.cause).toBe(thrown);
  expect(error).toMatchObject({
    code: "E_UNEXPECTED",
    message,
    exitCode: 1,
    kind: "bug",
  });
});

it("keeps an error of the family, and records what it says", () => {
  const error = new MigrationError("E_LOCKED", "It is taken", {
    hint: "Wait",
    fields: { pid: 1 },
    cause: 5,
  });
  expect(asMigrationError(error)).toBe(error);
  expect(toErrorRecord(error)).toEqual({
    code: "E_LOCKED",
    message: "It is taken",
    hint: "Wait",
    fields: { pid: 1 },
  });
  expect(toErrorRecord(new MigrationError("E_USAGE", "x"))).toEqual({
    code: "E_USAGE",
    message: "x",
  });
});

it.each<[unknown, unknown]>([
  [{ code: "ENOENT" }, "ENOENT"],
  [{ code: 11000 }, 11000],
  [{ code: {} }, undefined],
  [null, undefined],
  ["ENOENT", undefined],
])("reads the code of %j", (thrown, code) => {
  expect(codeOf(thrown)).toBe(code);
});

it("logs JSON lines without secrets, wherever they stand", async () => {
  registerSecret("canary-log");
  const lines: string[] = [];
  const log = await makeLog("migmgr", {
    level: "info",
    pretty: false,
    stream: { write: (line) => lines.push(line) },
  });
  log
    .child({ uri: "mongodb://u:canary-log@h" })
    .info({ err: new Error("canary-log") }, "canary-log");
  log.debug("not shown");
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toContain("canary-log");
  expect(JSON.parse(lines[0]!)).toMatchObject({
    level: 30,
    name: "migmgr",
    uri: "mongodb://u:***@h",
    msg: "***",
  });
});
