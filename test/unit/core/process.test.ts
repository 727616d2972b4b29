import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, vi } from "vitest";
import { runProcess } from "../../../src/core/process.ts";
import { tempDir } from "../../support/temp-dir.ts";

/** Whether a process still runs; one that ended may wait for whoever reaps it. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

it("returns output, errors and exit code, and throws for none", async () => {
  const result = await runProcess("sh", ["-c", "echo out; echo err >&2; exit 23"]);
  expect(result).toEqual({ exitCode: 23, signal: undefined, stdout: "out\n", stderr: "err\n" });
});

it("hands arguments over as they are", async () => {
  const { stdout } = await runProcess("printf", ["%s|", "a b", "$HOME", "", "'\n"]);
  expect(stdout).toBe("a b|$HOME||'\n|");
});

it("keeps the end of a long output, or hands all of it over", async () => {
  const args = ["-c", "yes | head -c 300000; echo end"];
  const { stdout } = await runProcess("sh", args);
  expect({ kept: stdout.length, end: stdout.slice(-4) }).toEqual({ kept: 65_536, end: "end\n" });
  let seen = 0;
  const told = await runProcess("sh", args, {
    onOutput: (text) => {
      seen += text.length;
    },
  });
  expect({ seen, kept: told.stdout }).toEqual({ seen: 300_004, kept: "" });
});

it("gives a child PATH, HOME and what it is told, and nothing else of ours", async () => {
  vi.stubEnv("MIGCTL_SOURCE_URI_FILE", "/canary.uri");
  vi.stubEnv("MONGODB_PASSWORD", "canary");
  vi.stubEnv("LD_PRELOAD", "");
  const { stdout } = await runProcess("env", [], { env: { RSYNC_OPTION: "1" } });
  const names = stdout
    .trim()
    .split("\n")
    .map((line) => line.split("=")[0]!);
  const allowed = ["PATH", "HOME", "TMPDIR", "SSH_AUTH_SOCK", "LC_ALL", "RSYNC_OPTION"];
  expect(names.filter((name) => !allowed.includes(name))).toEqual([]);
  expect(names).toEqual(expect.arrayContaining(["PATH", "LC_ALL", "RSYNC_OPTION"]));
});

it("names a program that is not there", async () => {
  await expect(runProcess("no-such-program-here", [])).rejects.toMatchObject({
    code: "E_PROGRAM",
    exitCode: 5,
    message: 'Cannot start "no-such-program-here"',
    hint: "Install no-such-program-here, or put it on PATH",
  });
});

it("names a program that may not be run", async () => {
  const path = join(tempDir(), "program");
  writeFileSync(path, "#!/bin/sh\n", { mode: 0o644 });
  await expect(runProcess(path, [])).rejects.toMatchObject({ code: "E_PROGRAM" });
});

it("ends a child by SIGTERM when it is stopped", async () => {
  const stop = new AbortController();
  const result = await runProcess("sh", ["-c", "echo ready; exec sleep 60"], {
    signal: stop.signal,
    onOutput: () => stop.abort(),
  });
  expect(result).toMatchObject({ exitCode: -1, signal: "SIGTERM" });
});

it("kills a child that ignores SIGTERM after the grace, and its own children", async () => {
  const stop = new AbortController();
  let pids: number[] = [];
  const start = performance.now();
  const script =
    'trap "" TERM; sh -c \'trap "" TERM; while :; do sleep 0.05; done\' & echo $$ $!; wait';
  const result = await runProcess("sh", ["-c", script], {
    signal: stop.signal,
    graceSeconds: 0.3,
    onOutput: (text) => {
      pids = text.trim().split(" ").map(Number);
      stop.abort();
    },
  });
  expect(result.signal).toBe("SIGKILL");
  expect(performance.now() - start).toBeGreaterThan(250);
  await sleep(50);
  expect(pids.filter(isAlive)).toEqual([]);
});

it("ends a child at once when it was stopped before", async () => {
  const result = await runProcess("sleep", ["60"], {
    signal: AbortSignal.abort(),
    graceSeconds: 1,
  });
  expect(result.signal).toBe("SIGTERM");
});
