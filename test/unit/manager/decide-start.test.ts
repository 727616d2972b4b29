import { describe, expect, it } from "vitest";
import type { ErrorCode } from "../../../src/core/errors.ts";
import { type Before, decideStart, type StartRequest } from "../../../src/manager/decide-start.ts";
import type { RunResult } from "../../../src/state/result.ts";
import type { RunState, Status } from "../../../src/state/status.ts";

function statusOf(state: RunState, errors: ErrorCode[] = [], exitCode = 0): Status {
  const steps = errors.map((code, at) => ({
    ...{ id: `s${at}`, kind: "preflight", attempts: 1, state: "failed" as const },
    error: { code, message: "m" },
  }));
  return {
    ...{ version: 1, seq: 1, plan: "p", name: "n", migrationType: "full", run: "r1" },
    ...{ generation: 1, state, startedAt: 0, updatedAt: 0, exitCode },
    items: [{ id: "server", scope: "server", state, steps }],
  };
}

function resultIn(host: string, code?: ErrorCode): RunResult {
  const error = code === undefined ? {} : { error: { code, message: "m" } };
  return { version: 1, name: "n", attempt: "a1", host, finishedAt: 0, exitCode: 5, ...error };
}

const failed = statusOf("failed", ["E_NO_SPACE"], 5);
const unavailable = statusOf("failed", ["E_UNAVAILABLE", "E_UNAVAILABLE"], 5);
const mixed = statusOf("failed", ["E_UNAVAILABLE", "E_NO_SPACE"], 5);
const ended = { kind: "ended", state: "failed", exitCode: 5 };
const goesOn = { kind: "run", run: "r1" };
const begins = { kind: "run", run: expect.stringMatching(/^[0-9a-f]{12}$/) };

const cases: [string, StartRequest, Partial<Before>, unknown][] = [
  ["begins where there is nothing", { rerun: false, attempt: "a1" }, {}, begins],
  [
    "goes on after a crash",
    { rerun: false, attempt: "a1" },
    { status: statusOf("running") },
    goesOn,
  ],
  [
    "goes on after a stop",
    { rerun: false, attempt: "a1" },
    { status: statusOf("interrupted", [], 143) },
    goesOn,
  ],
  [
    "never does again what is done",
    { rerun: false, attempt: "a2" },
    { status: statusOf("done", [], 3) },
    { kind: "ended", state: "done", exitCode: 3 },
  ],
  [
    "does not try again in the pod in which it failed",
    { rerun: false, attempt: "a1" },
    { status: unavailable, result: resultIn("pod-1") },
    ended,
  ],
  [
    "tries again in a new pod what may have passed",
    { rerun: false, attempt: "a1" },
    { status: unavailable, result: resultIn("pod-0") },
    goesOn,
  ],
  [
    "does not try again in a new pod what somebody must put right",
    { rerun: false, attempt: "a1" },
    { status: failed, result: resultIn("pod-0") },
    ended,
  ],
  [
    "does not try again what failed for more than one reason, one of them lasting",
    { rerun: false, attempt: "a1" },
    { status: mixed, result: resultIn("pod-0") },
    ended,
  ],
  [
    "tries again when somebody asks for it",
    { rerun: false, attempt: "a2" },
    { status: failed },
    goesOn,
  ],
  [
    "tries again when it had only been locked out",
    { rerun: false, attempt: "a1" },
    { status: failed, result: resultIn("pod-1", "E_LOCKED") },
    goesOn,
  ],
  [
    "goes on with what failed where there are no attempts",
    { rerun: false },
    { status: failed },
    goesOn,
  ],
  ["does all again on request", { rerun: true }, { status: statusOf("done") }, begins],
  [
    "names a run that does all again by its attempt",
    { rerun: true, attempt: "a1" },
    { status: statusOf("done") },
    { kind: "run", run: "a1" },
  ],
  [
    "goes on with a run that does all again, after a crash",
    { rerun: true, attempt: "r1" },
    { status: statusOf("running") },
    goesOn,
  ],
  [
    "does all again once for an attempt",
    { rerun: true, attempt: "r1" },
    { status: statusOf("done") },
    { kind: "ended", state: "done", exitCode: 0 },
  ],
];

describe("a start of a migration", () => {
  it.each(cases)("%s", (_what, request, known, expected) => {
    const before = { status: undefined, result: undefined, host: "pod-1", ...known };
    expect(decideStart(request, before)).toEqual(expected);
  });
});
