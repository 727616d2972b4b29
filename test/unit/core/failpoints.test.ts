import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { failpointRules } from "../../../src/core/failpoint-rules.ts";
import { failpoints } from "../../../src/core/failpoints.ts";
import { tempDir } from "../../support/temp-dir.ts";

const known = ["a.before", "a.after"];

/** What each of some passes throws: the code, or nothing. */
function codesOf(text: string, passes: readonly string[]): (string | undefined)[] {
  const pass = failpointRules({ MIGCTL_FAILPOINTS: text }, known);
  return passes.map((name) => {
    try {
      pass(name);
      return undefined;
    } catch (error) {
      return (error as { code: string }).code;
    }
  });
}

it("does nothing where nothing was asked for", () => {
  expect(codesOf("", ["a.before"])).toEqual([undefined]);
});

it("fails at each pass, or at the one that is named", () => {
  expect(codesOf("a.before=throw:EIO", ["a.before", "a.after", "a.before"])).toEqual([
    ...["EIO", undefined, "EIO"],
  ]);
  expect(codesOf("a.before=throw:ENOSPC@2", ["a.before", "a.before", "a.before"])).toEqual([
    ...[undefined, "ENOSPC", undefined],
  ]);
});

it("counts all failpoints together by a star", () => {
  const passes = ["a.before", "a.after", "a.before", "a.after"];
  expect(codesOf("*=throw:EIO@3; a.after=throw:E_UNAVAILABLE@2", passes)).toEqual([
    ...[undefined, undefined, "EIO", "E_UNAVAILABLE"],
  ]);
});

it("throws what the system throws", () => {
  const pass = failpointRules({ MIGCTL_FAILPOINTS: "a.before=throw:ENOSPC" }, known);
  expect(() => pass("a.before")).toThrow(
    expect.objectContaining({
      ...{ code: "ENOSPC", errno: -28, syscall: "failpoint a.before" },
      message: "ENOSPC: no space left on device, failpoint a.before",
    }),
  );
});

it("stands still for a while", () => {
  const pass = failpointRules({ MIGCTL_FAILPOINTS: "a.before=delay:60" }, known);
  const begin = performance.now();
  pass("a.before");
  expect(performance.now() - begin).toBeGreaterThan(55);
});

it("writes down what was passed", () => {
  const file = join(tempDir(), "trace");
  const pass = failpointRules({ MIGCTL_FAILPOINTS_TRACE: file }, known);
  for (const name of ["a.after", "a.before", "a.after"]) pass(name);
  expect(readFileSync(file, "utf8")).toBe("a.after\na.before\na.after\n");
});

it.each([
  ["a.before", /expected name=action/],
  ["a.befor=kill", /no failpoint "a\.befor"/],
  ["a.before=explode", /expected kill, stop/],
  ["a.before=kill:now", /expected name=action|expected kill, stop/],
  ["a.before=kill@0", /expected name=action/],
  ["a.before=delay:long", /expected name=action|expected kill, stop/],
  ["a.before=throw:EWHAT", /no error "EWHAT"/],
  ["a.after=kill;a.before=", /Cannot take the failpoint "a\.before="/],
])("refuses %s", (text, reason) => {
  expect(() => failpointRules({ MIGCTL_FAILPOINTS: text }, known)).toThrow(
    expect.objectContaining({ code: "E_USAGE", message: expect.stringMatching(reason) }),
  );
});

it("has every failpoint in exactly one place", () => {
  const sources = globSync("src/**/*.ts").map((file) => readFileSync(file, "utf8"));
  const calls = sources.flatMap((text) => [...text.matchAll(/\bfailpoint\("([^"]+)"\)/g)]);
  expect(calls.map(([, name]) => name).sort()).toEqual([...failpoints].sort());
});

const program = `
  import { armFailpoints, failpoint } from "./src/core/failpoints.ts";
  armFailpoints(process.env);
  failpoint("state.beforeWrite");
`;

it.each([
  ["ends the program with no word", "1", "SIGKILL"],
  ["leaves it alone where failpoints are not enabled", "0", null],
])("%s", (_, enabled, signal) => {
  const env = { MIGCTL_ENABLE_FAILPOINTS: enabled, MIGCTL_FAILPOINTS: "state.beforeWrite=kill" };
  const args = ["--input-type=module-typescript", "--eval", program];
  const ended = spawnSync(process.execPath, args, { env: { ...process.env, ...env } });
  expect(ended.signal).toBe(signal);
  expect(ended.status).toBe(signal === null ? 0 : null);
});
