import fc from "fast-check";
import { expect, it } from "vitest";
import { hasChanges, printForecast } from "../../../src/cli/forecast-view.ts";
import { lastError } from "../../../src/cli/manager-log.ts";
import { makeProgressView } from "../../../src/cli/progress-view.ts";
import { printReport } from "../../../src/cli/report-view.ts";
import { printStatus, printStatusList } from "../../../src/cli/status-view.ts";
import { asMigrationError } from "../../../src/core/errors.ts";
import { formatBytes, formatCount, formatDuration } from "../../../src/core/format.ts";
import { noVerdicts } from "../../../src/core/verdict.ts";
import { Facts } from "../../../src/plan/facts.ts";
import { Forecast } from "../../../src/plan/forecast.ts";
import { makeReport } from "../../../src/state/report.ts";
import { Status, type StepStatus } from "../../../src/state/status.ts";
import { samplePlan } from "../../support/sample-plan.ts";
import { captureOutput } from "../../support/sinks.ts";

it.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [1536, "1.5 KiB"],
  [102_400, "100 KiB"],
  [1024 ** 2 - 1, "1.0 MiB"],
  [5 * 1024 ** 4, "5.0 TiB"],
  [Number.MAX_SAFE_INTEGER, "8.0 PiB"],
])("writes %d bytes as %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

it.each([
  [0, "0.0 s"],
  [9949, "9.9 s"],
  [9951, "10 s"],
  [59_600, "1 min 0 s"],
  [3_599_600, "1 h 0 min"],
  [3_725_000, "1 h 2 min"],
])("writes %d milliseconds as %s", (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
});

it("writes counts with separators", () => {
  expect(formatCount(1_234_567)).toBe("1,234,567");
});

function statusOf(step: Partial<StepStatus>, change: Partial<Status> = {}): Status {
  return Status.parse({
    ...{ version: 1, seq: 1, plan: "f", name: "shop-full-1", migrationType: "full", run: "r" },
    ...{ generation: 1, state: "running", startedAt: 0, updatedAt: 1000 },
    items: [
      {
        ...{ id: "server", scope: "server", state: "running" },
        steps: [
          { id: "preflight", kind: "preflight", state: "done", attempts: 1, milliseconds: 1500 },
          { id: "files-sync", kind: "files-sync", state: "running", attempts: 1, ...step },
        ],
      },
    ],
    ...change,
  });
}

/** The line after each of some progresses, a second apart. */
function linesOf(progresses: NonNullable<StepStatus["progress"]>[]): string[] {
  let now = 0;
  const { lines } = makeProgressView(() => now);
  return progresses.flatMap((progress) => {
    now += 1000;
    return lines(statusOf({ progress }));
  });
}

it("shows a bar, the amount, the rate and the time left once they are known", () => {
  const bytes = (done: number) => ({ phase: "copying", bytes: { done, total: 1000 * 1024 } });
  expect(linesOf([bytes(0), bytes(100 * 1024), bytes(2000 * 1024)])).toMatchInlineSnapshot(`
    [
      "server  1/2  files-sync  ░░░░░░░░░░░░░░░░░░░░ 0 %  0 B/1000 KiB",
      "server  1/2  files-sync  ██░░░░░░░░░░░░░░░░░░ 10 %  100 KiB/1000 KiB  100 KiB/s  9.0 s left",
      "server  1/2  files-sync  ████████████████████ 100 %  2.0 MiB/1000 KiB  1000 KiB/s  0.0 s left",
    ]
  `);
});

it.each<[string, NonNullable<StepStatus["progress"]>, string]>([
  ["no counts at all", { phase: "reading" }, "reading"],
  ["a total of nothing", { phase: "x", bytes: { done: 0, total: 0 } }, "0 B/0 B"],
  ["an unknown total", { phase: "x", documents: { done: 5 } }, "5 documents"],
  [
    "bytes of nothing, but documents",
    { phase: "x", bytes: { done: 0, total: 0 }, documents: { done: 1, total: 4 } },
    "█████░░░░░░░░░░░░░░░ 25 %  1/4 documents",
  ],
])("shows %s", (_, progress, text) => {
  expect(linesOf([progress])[0]).toBe(`server  1/2  files-sync  ${text}`);
});

it("begins its rate anew when a resumed attempt counts from less", () => {
  const files = (done: number) => ({ phase: "x", files: { done, total: 1000 } });
  const lines = linesOf([files(500), files(900), files(0), files(10), files(20)]);
  expect(lines[2]).not.toContain("/s");
  expect(lines[4]).toContain("10 files/s");
});

it("never shows more than 100 %, NaN, Infinity or less than nothing", () => {
  const count = fc
    .record({ done: fc.nat(), total: fc.option(fc.nat(), { nil: undefined }) })
    .map(({ done, total }) => (total === undefined ? { done } : { done, total }));
  const progress = fc.record(
    { phase: fc.constant("x"), bytes: count, documents: count },
    { requiredKeys: ["phase"] },
  );
  fc.assert(
    fc.property(fc.array(progress, { minLength: 1, maxLength: 8 }), (progresses) => {
      for (const line of linesOf(progresses)) {
        expect(line).not.toMatch(/NaN|Infinity|undefined| -\d/);
        expect(Number(/(\d+) %/.exec(line)?.[1] ?? 0)).toBeLessThanOrEqual(100);
      }
    }),
  );
});

it("shows each of two steps that run at once on a line of its own", () => {
  const status = statusOf({ progress: { phase: "x", files: { done: 7 } } });
  const [item] = status.items;
  const backup = { id: "db-backup", kind: "db-backup", state: "running" as const, attempts: 1 };
  item?.steps.push(backup);
  expect(makeProgressView(() => 0).lines(status)).toEqual([
    "server  1/3  files-sync  7 files",
    "server  1/3  db-backup",
  ]);
});

it("shows an item that does not run by its state, and its name without control characters", () => {
  const status = statusOf({ state: "pending" });
  const items = [{ ...status.items[0]!, scope: "user:\u001b[2Jx\n", state: "failed" as const }];
  expect(makeProgressView(() => 0).lines({ ...status, items })).toEqual([
    "user:\\u001b[2Jx\\u000a  1/2  failed",
  ]);
});

it("prints the steps of a running migration", () => {
  const { out, stdout } = captureOutput();
  const progress = { phase: "copying", files: { done: 1200 }, bytes: { done: 5_000_000 } };
  const holder = { pid: 7, host: "h", since: 0, fencing: 1 };
  printStatus(statusOf({ progress, startedAt: 1000 }, { holder }), out, 4000);
  expect(stdout()).toMatchInlineSnapshot(`
    "Migration shop-full-1: running
      by process 7 on h, last heard of 3.0 s ago

    ITEM AND STEP   STATE     ATTEMPTS   TIME    DONE                   VERDICTS
    server          running              4.5 s
      preflight     done      1          1.5 s
      files-sync    running   1          3.0 s   1,200 files, 4.8 MiB
    "
  `);
});

it("tells what a run waits for and what is to be done, where the status and where progress is shown", () => {
  const { out, stdout } = captureOutput();
  const waiting = { since: 1000, what: "a log-in", reason: "Unauthorized", hint: "Renew it" };
  const status = statusOf({}, { waiting });
  printStatus(status, out, 4000);
  expect(stdout()).toContain("  waits since 3.0 s for a log-in: Unauthorized\n  Renew it\n");
  const lines = makeProgressView(() => 0).lines(status);
  expect(lines.at(-1)).toBe("Waits for a log-in (Unauthorized). Renew it");
});

it("prints a failure below the steps, with what to do", () => {
  const { out, stdout } = captureOutput();
  const error = { code: "E_NO_SPACE" as const, message: "The volume is full", hint: "Make room" };
  printStatus(statusOf({ state: "failed", error }, { state: "failed", exitCode: 5 }), out, 4000);
  expect(stdout()).toMatchInlineSnapshot(`
    "Migration shop-full-1: failed, exit code 5

    ITEM AND STEP   STATE     ATTEMPTS   TIME    DONE   VERDICTS
    server          running              1.5 s
      preflight     done      1          1.5 s
      files-sync    failed    1

    server files-sync: The volume is full (E_NO_SPACE)
      Make room
    "
  `);
});

it("prints a list of migrations", () => {
  const { out, stdout } = captureOutput();
  printStatusList(
    [{ folder: "/x", plan: samplePlan({ name: "one" }), status: statusOf({}) }],
    out,
    90_000,
  );
  expect(stdout()).toMatchInlineSnapshot(`
    "NAME   TYPE   STATE     ITEMS DONE   RUN   STARTED
    one    full   running   0/1          1     1 min 30 s ago
    "
  `);
});

it("prints a report with what is left to know and do", () => {
  const { out, stdout } = captureOutput();
  const error = { code: "E_INTEGRITY" as const, message: "It differs", hint: "Look at it" };
  const output = { verdicts: { Models: { ...noVerdicts(), migrated: 1200, conflict: 1 } } };
  const base = statusOf({}, { state: "failed", exitCode: 8 });
  const steps: StepStatus[] = [
    {
      id: "inventory",
      kind: "inventory",
      state: "done",
      attempts: 1,
      output: { owners: ["jane", "bob"] },
    },
    { id: "db-restore", kind: "db-restore", state: "done", attempts: 1, output },
    { id: "db-verify", kind: "db-verify", state: "failed", attempts: 1, error },
  ];
  const items = [{ ...base.items[0]!, state: "failed" as const, steps }];
  printReport(makeReport(samplePlan({ name: "one" }), { ...base, items }), out);
  expect(stdout()).toMatchInlineSnapshot(`
    "Migration one: failed (1 of 1 items)
      from /a, database SHOP
      to   /d, database SHOP
      verified: every file that was written was hashed

    SCOPE    WHAT          SOURCE   MIGRATED   UPDATED   IDENTICAL   CONFLICT   REJECTED   MISSING
    server   Models        1,201    1,200      0         0           1          0          0
    all      (documents)   1,201    1,200      0         0           1          0          0

    server:
      failed: It differs (E_INTEGRITY)
        Look at it
      owners that must exist at the destination: jane, bob
      listed by name in db/server/conflicts.ndjson
    "
  `);
});

const forecast = Forecast.parse({
  items: [
    {
      id: "user-jane",
      scope: "user:jane",
      owners: ["jane"],
      outside: [
        {
          collection: "Models",
          field: "group_id",
          target: "Groups",
          direction: "out",
          count: 3,
          dangling: 1,
        },
      ],
      leftOut: ["Tokens"],
      missing: { count: 4, examples: ["a", "b", "c", "d"] },
      unsafe: { count: 0, examples: [] },
      documents: [
        {
          collection: "Models",
          documents: 5,
          bytes: 2048,
          verdicts: { ...noVerdicts(), migrated: 4, conflict: 1 },
          examples: [{ id: "x\u202e" }],
          unchecked: 2,
        },
        {
          collection: "Notes",
          documents: 0,
          bytes: 0,
          verdicts: noVerdicts(),
          examples: [],
          unchecked: 0,
        },
      ],
    },
  ],
  space: {
    destination: { neededBytes: 10_000, freeBytes: 5000 },
    workDir: { neededBytes: 1, freeBytes: 2 },
  },
});

it("prints a plan", () => {
  const { out, stdout } = captureOutput(120);
  const side = { dir: "/a", identity: "a", version: "4.2.1", freeBytes: 1 };
  const facts = Facts.parse({
    source: side,
    destination: { ...side, version: "6.0.1" },
    canPreserveOwnership: false,
    warnings: ["Be warned"],
  });
  const cutOver = { seconds: 700, files: 240, documents: 530, parts: [], unknown: [] };
  printForecast({ plan: samplePlan({ name: "one" }), facts, forecast, cutOver }, out);
  expect(stdout()).toMatchInlineSnapshot(`
    "Plan one (full); nothing was written
      from /a, MongoDB 4.2.1
      to   /d, MongoDB 6.0.1
      warning: Be warned

    SCOPE       WHAT     COUNT   SIZE      NEW   CHANGED   IDENTICAL   CONFLICT   REJECTED
    user:jane   Models   5       2.0 KiB   4     0         0           1          0

    Space at the destination: needs up to 9.8 KiB, has 4.9 KiB  TOO LITTLE
    Space at the work directory: needs up to 1 B, has 2 B

    user:jane:
      owners that must exist at the destination: jane
      Models.group_id points at 3 Groups outside of the scope, 1 of them nowhere
        --include-references takes them along
      left out: Tokens
      4 paths that documents name are not at the source: a, b, c, …
      conflict: Models {"id":"x\\u202e"}
      2 Models were not checked for unique indexes

    A cut-over takes about 12 min, as the last pass says: final pass about 4 min, database about 9 min
    "
  `);
});

it("sees changes where something would be written", () => {
  const [item] = forecast.items;
  const identical = [
    { ...item!.documents[0]!, verdicts: { ...noVerdicts(), identical: 5, conflict: 1 } },
  ];
  expect(hasChanges(forecast)).toBe(true);
  expect(hasChanges({ ...forecast, items: [{ ...item!, documents: identical }] })).toBe(false);
});

it("finds the manager's last words in its log", () => {
  const { out, stderr } = captureOutput();
  const error = lastError('{"level":30}\nError: It is "taken" (by 5) (E_LOCKED)\n  Wait for it\n');
  expect(error).toMatchObject({
    code: "E_LOCKED",
    message: 'It is "taken" (by 5)',
    hint: "Wait for it",
  });
  out.error(asMigrationError(error), { json: false });
  expect(lastError(stderr())).toEqual(error);
});

it.each(["", "all is well\n", "Error: x (E_NO_SUCH_CODE)\n", "Error: x (E_LOCKED"])(
  "finds none in %j",
  (log) => {
    expect(lastError(log)).toBeUndefined();
  },
);
