import { expect, it } from "vitest";
import { reduce } from "../../../src/state/reduce.ts";
import { rowsOf } from "../../../src/state/rows.ts";
import type { Status } from "../../../src/state/status.ts";
import { done, runStarted, stamped, started } from "./sample.ts";

it("gives a line for each item and each of its steps", () => {
  let status: Status | undefined;
  const progress = { phase: "copying", files: { done: 2, total: 3 }, bytes: { done: 10 } };
  const split = { verdicts: { A: { migrated: 1, conflict: 2 }, B: { migrated: 3 } }, other: 1 };
  for (const event of [
    stamped(runStarted),
    stamped(started, 2000),
    stamped({ ...done, output: split }, 3000),
    stamped({ type: "step-started", item: "server", step: "restore" }, 4000),
    { type: "step-progress" as const, at: 4500, item: "server", step: "restore", progress },
    stamped({ type: "step-started", item: "jane", step: "files" }, 5000),
    stamped({
      ...{ type: "step-failed", item: "jane", step: "files" },
      error: { code: "E_NO_SPACE", message: "Full", hint: "Add space", fields: { free: 1 } },
    }),
  ]) {
    status = reduce(status, event);
  }
  const error = { code: "E_NO_SPACE", message: "Full", hint: "Add space" };
  expect(status && rowsOf(status, 6000)).toEqual([
    ...[
      {
        level: "item",
        item: "server",
        state: "running",
        attempts: 1,
        milliseconds: 2005,
        phase: "restore",
      },
      {
        ...{ level: "step", item: "server", step: "files", kind: "files-sync", state: "done" },
        ...{ attempts: 1, milliseconds: 5, verdicts: { migrated: 4, conflict: 2 } },
      },
      {
        ...{ level: "step", item: "server", step: "restore", kind: "db-restore", state: "running" },
        ...{ attempts: 1, milliseconds: 2000, ...progress },
      },
    ],
    { level: "item", item: "jane", state: "failed", attempts: 1, milliseconds: 5, error },
    {
      ...{ level: "step", item: "jane", step: "files", kind: "files-sync", state: "failed" },
      ...{ attempts: 1, milliseconds: 5, error },
    },
    {
      ...{ level: "step", item: "jane", step: "restore", kind: "db-restore", state: "pending" },
      attempts: 0,
    },
  ]);
});

it("bears any output", () => {
  for (const output of [
    null,
    1,
    "x",
    [],
    {},
    { verdicts: null },
    { verdicts: [] },
    { verdicts: { a: "b" } },
  ]) {
    let status = reduce(undefined, stamped(runStarted));
    status = reduce(status, stamped(started));
    status = reduce(status, stamped({ ...done, output }));
    expect(rowsOf(status)[1]).not.toHaveProperty("verdicts");
  }
});
