import fc from "fast-check";
import { expect, it } from "vitest";
import type { Event } from "../../../src/state/events.ts";
import { reduce } from "../../../src/state/reduce.ts";
import { parseStatus, type Status } from "../../../src/state/status.ts";
import { done, runStarted, stamped, started } from "./sample.ts";

const item = fc.constantFrom("server", "jane", "nobody");
const step = fc.constantFrom("files", "restore");
const at = fc.nat();
const milliseconds = fc.nat();
const error = { code: "E_NO_SPACE", message: "Full" } as const;
const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant("step-started" as const), at, item, step }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      ...{ type: fc.constant("step-done" as const), at, item, step, milliseconds },
      output: fc.jsonValue(),
    }),
  },
  fc.record({
    ...{ type: fc.constant("step-failed" as const), at, item, step, milliseconds },
    error: fc.constant(error),
  }),
  fc.record({ type: fc.constant("step-not-run" as const), at, item, step }),
  fc.record({
    ...{ type: fc.constant("step-progress" as const), at, item, step },
    progress: fc.record({ phase: fc.string(), files: fc.record({ done: fc.nat() }) }),
  }),
  fc.record(
    {
      ...{ type: fc.constant("run-waiting" as const), at },
      waiting: fc.record({
        ...{ since: fc.nat(), what: fc.string() },
        ...{ reason: fc.string(), hint: fc.string() },
      }),
    },
    { requiredKeys: ["type", "at"] },
  ),
  fc.record({ type: fc.constant("run-interrupted" as const), at, exitCode: fc.constant(143) }),
  fc.record({
    type: fc.constant("run-finished" as const),
    at,
    state: fc.constantFrom("done" as const, "failed" as const),
    exitCode: fc.constant(0),
  }),
  fc
    .tuple(at, fc.constantFrom("run-1", "run-2", "run-3"))
    .map(([time, run]) => stamped({ ...runStarted, run }, time)),
);

function tryReduce(status: Status | undefined, event: Event): Status | undefined {
  try {
    return reduce(status, event);
  } catch {
    return undefined;
  }
}

function doneSteps(status: Status) {
  return status.items.flatMap(({ id, steps }) =>
    steps.filter(({ state }) => state === "done").map((found) => [id, found] as const),
  );
}

function isJournalled({ type }: Event): boolean {
  return type !== "step-progress" && type !== "run-waiting";
}

function checkTransition(status: Status, event: Event, next: Status) {
  expect(next.seq).toBe(status.seq + (isJournalled(event) ? 1 : 0));
  expect(next.generation - status.generation).toBe(next.run === status.run ? 0 : 1);
  const kept = next.generation === status.generation ? doneSteps(status) : [];
  for (const found of kept) expect(doneSteps(next)).toContainEqual(found);
  if (next.generation !== status.generation) expect(doneSteps(next)).toEqual([]);
}

function checkStatus(status: Status) {
  const states = status.items.flatMap(({ steps }) => steps.map(({ state }) => state));
  if (status.state === "done") expect(new Set(states)).toEqual(new Set(["done"]));
  if (status.state !== "running") expect(states).not.toContain("running");
  const json = JSON.stringify(status);
  expect(parseStatus(json, "status.json")).toEqual(JSON.parse(json));
}

it("keeps its invariants for any order of events", () => {
  let transitions = 0;
  const property = fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
    let status = reduce(undefined, stamped(runStarted));
    for (const event of events) {
      const before = structuredClone(status);
      const next = tryReduce(status, event);
      expect(status).toEqual(before);
      if (next === undefined) continue;
      transitions += 1;
      checkTransition(status, event, next);
      checkStatus(next);
      status = next;
    }
  });
  fc.assert(property, { numRuns: 300 });
  expect(transitions).toBeGreaterThan(300);
});

it("counts attempts over interruptions and crashes, and opens only what is not done", () => {
  let status: Status | undefined;
  const failed = { type: "step-failed", item: "jane", step: "files", error } as const;
  for (const event of [
    stamped(runStarted),
    stamped(started),
    stamped(runStarted),
    stamped(started),
    stamped(done),
    stamped({ type: "step-started", item: "jane", step: "files" }),
    stamped(failed),
    stamped({ type: "step-not-run", item: "jane", step: "restore" }),
    stamped({ type: "run-interrupted", exitCode: 143 }),
  ]) {
    status = reduce(status, event);
  }
  expect(status?.items.map(({ state }) => state)).toEqual(["interrupted", "failed"]);
  status = reduce(status, stamped(runStarted));
  expect(status).toMatchObject({ state: "running", generation: 1 });
  expect(status).not.toHaveProperty("exitCode");
  expect(status.items.map(({ steps }) => steps.map(({ state }) => state))).toEqual([
    ["done", "pending"],
    ["pending", "pending"],
  ]);
  expect(status.items[0]?.steps[0]?.attempts).toBe(2);
  expect(status.items[1]?.steps[0]).toEqual({
    ...{ id: "files", kind: "files-sync", state: "pending", attempts: 1 },
  });
});

it("refuses to go on with another plan, and begins anew for a re-run", () => {
  const before = reduce(undefined, stamped(runStarted));
  const other = stamped({ ...runStarted, plan: "other" });
  expect(() => reduce(before, other)).toThrow(expect.objectContaining({ code: "E_PLAN_CHANGED" }));
  const rerun = stamped({ ...runStarted, plan: "other", run: "run-2" });
  expect(reduce(before, rerun)).toMatchObject({ generation: 2, plan: "other", seq: 2 });
});

it("is not done while a step is not", () => {
  const before = reduce(undefined, stamped(runStarted));
  const finish = stamped({ type: "run-finished", state: "done", exitCode: 0 });
  expect(() => reduce(before, finish)).toThrow('cannot apply to step "files" that is pending');
});
