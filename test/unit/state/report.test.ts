import { expect, it } from "vitest";
import type { ErrorCode } from "../../../src/core/errors.ts";
import { noVerdicts, type VerdictCounts } from "../../../src/core/verdict.ts";
import type { Plan } from "../../../src/plan/plan.ts";
import { exitCodeOf, outcomeOf } from "../../../src/state/outcome.ts";
import { headlineOf, makeReport, verdictRows } from "../../../src/state/report.ts";
import { renderReportHtml } from "../../../src/state/report-html.ts";
import type { ItemStatus, Status, StepStatus } from "../../../src/state/status.ts";
import { samplePlan, sampleRequest } from "../../support/sample-plan.ts";

function step(kind: string, change: Partial<StepStatus> = {}): StepStatus {
  return { id: kind, kind, state: "done", attempts: 1, ...change };
}

function item(steps: StepStatus[], change: Partial<ItemStatus> = {}): ItemStatus {
  return { id: "server", scope: "server", state: "done", steps, ...change };
}

function counts(change: Partial<VerdictCounts>): VerdictCounts {
  return { ...noVerdicts(), ...change };
}

function failed(code: ErrorCode): ItemStatus {
  const error = { code, message: "It broke" };
  return item([step("preflight"), step("db-backup", { state: "failed", error })], {
    state: "failed",
  });
}

const restored = (change: Partial<VerdictCounts>) =>
  step("db-restore", { output: { verdicts: { Models: counts(change) } } });
const synced = (change: Partial<VerdictCounts>) =>
  step("files-tar", { output: { verdicts: counts(change) } });

it.each<[string, ItemStatus[], number]>([
  [
    "all migrated",
    [item([synced({ migrated: 5 }), restored({ migrated: 3, updated: 1, identical: 9 })])],
    0,
  ],
  ["nothing to do", [item([])], 0],
  ["a conflict of a document", [item([restored({ conflict: 1 })])], 3],
  ["a rejected document", [item([restored({ rejected: 1 })])], 3],
  ["a missing file", [item([synced({ missing: 1 })])], 3],
  ["unsafe names", [item([step("inventory", { output: { unsafe: { count: 1 } } })])], 3],
  ["files changed since", [item([step("files-verify", { output: { changedSince: 2 } })])], 3],
  ["findings of the second item", [item([]), item([synced({ conflict: 1 })])], 3],
  ["a failure", [failed("E_UNAVAILABLE")], 5],
  ["two failures: the first", [item([]), failed("E_INTEGRITY"), failed("E_LOCKED")], 8],
  ["a failure goes before findings", [item([synced({ conflict: 1 })]), failed("E_NO_SPACE")], 5],
  [
    "an item that is not done, without an error",
    [item([step("preflight", { state: "not-run" })], { state: "not-run" })],
    1,
  ],
])("gives the exit code of %s", (_, items, exitCode) => {
  expect(exitCodeOf(items)).toBe(exitCode);
});

it("takes the files' verdicts of the last step that has any", () => {
  const steps = [
    step("files-compare", { output: { verdicts: counts({ identical: 1 }) } }),
    step("files-sync", { output: { verdicts: counts({ migrated: 4 }) } }),
    step("files-verify", { output: { bytes: 1 } }),
    step("files-tar", { state: "running", output: { verdicts: counts({ missing: 9 }) } }),
  ];
  expect(outcomeOf(item(steps)).files).toEqual(counts({ migrated: 4 }));
});

it.each([undefined, null, "text", [], { verdicts: [] }, { verdicts: { Models: 1 } }])(
  "reads no verdicts out of %j",
  (output) => {
    expect(outcomeOf(item([step("db-restore", { output })]))).toEqual({
      documents: {},
      files: undefined,
      hasFindings: false,
    });
  },
);

function statusOf(items: ItemStatus[], change: Partial<Status> = {}): Status {
  return {
    ...{
      version: 1,
      seq: 1,
      plan: "f",
      name: "shop-full-1",
      migrationType: "full",
      run: "r",
      generation: 1,
    },
    ...{
      state: "done",
      startedAt: 0,
      updatedAt: 1000,
      finishedAt: 1000,
      exitCode: exitCodeOf(items),
      items,
    },
    ...change,
  };
}

function withVerify(
  verify: Plan["options"]["verify"],
  migrationType: Plan["migrationType"] = "full",
): Plan {
  return samplePlan({ migrationType, options: { ...sampleRequest().options, verify } });
}

it.each<[string, Plan, Status, string]>([
  ["all is well", withVerify("written"), statusOf([item([])]), "done and verified"],
  [
    "nothing was hashed",
    withVerify("none"),
    statusOf([item([])]),
    "done, file content NOT verified",
  ],
  [
    "nothing was hashed, and there are findings",
    withVerify("none"),
    statusOf([item([synced({ conflict: 1 })])]),
    "done, with findings, file content NOT verified",
  ],
  [
    "documents alone were moved",
    withVerify("none", "db"),
    statusOf([item([])]),
    "done and verified",
  ],
  [
    "there are findings",
    withVerify("full"),
    statusOf([item([synced({ conflict: 1 })])]),
    "done, with findings",
  ],
  [
    "one item failed",
    withVerify("full"),
    statusOf([item([]), failed("E_LOCKED")], { state: "failed" }),
    "failed (1 of 2 items)",
  ],
  [
    "it was interrupted",
    withVerify("full"),
    statusOf([item([])], { state: "interrupted" }),
    "interrupted",
  ],
  ["it runs", withVerify("full"), statusOf([item([])], { state: "running" }), "running"],
])("says in the headline that %s", (_, plan, status, headline) => {
  const report = makeReport(plan, status);
  expect(headlineOf(report)).toBe(headline);
  expect(renderReportHtml(report)).toContain(`>${headline}</span></h1>`);
});

it.each<[Plan["options"]["verify"], string]>([
  ["none", "NO content was hashed: only sizes, times and attributes"],
  ["full", "every file was hashed"],
  ["written", "every file that was written was hashed"],
  [{ sample: 0.01 }, "a sample of 1 % was hashed"],
])("tells how content was compared for %j", (verify, text) => {
  const report = makeReport(withVerify(verify), statusOf([]));
  expect(report.verify).toBe(text);
  expect(renderReportHtml(report)).toContain(text);
});

it("tells what an operator should know", () => {
  const output = {
    owners: ["jane"],
    missing: { count: 2 },
    unsafe: { count: 1 },
    leftOut: ["Tokens"],
    outside: [
      {
        collection: "Models",
        field: "group_id",
        target: "Groups",
        direction: "out",
        count: 3,
        dangling: 1,
      },
      {
        collection: "Notes",
        field: "model_id",
        target: "Models",
        direction: "in",
        count: 4,
        dangling: 0,
      },
    ],
  };
  const steps = [
    step("preflight", { output: { warnings: ["TLS is off for the source's database"] } }),
    step("inventory", { output }),
    step("db-backup", { output: { sourceChanges: ["a", "b", "c", "d", "e", "f", "g"] } }),
    restored({ migrated: 2 }),
    synced({ identical: 1 }),
    step("references-verify", { output: { missingAtSource: 7 } }),
    step("after", { output: { todo: ["Restart it"] } }),
  ];
  const [first] = makeReport(samplePlan(), statusOf([item(steps)])).items;
  expect(first).toMatchObject({ owners: ["jane"], todo: ["Restart it"] });
  expect(first?.notes).toMatchInlineSnapshot(`
    [
      "TLS is off for the source's database",
      "2 paths that documents name are not at the source",
      "1 documents whose id or owner cannot be a name in a path",
      "Models.group_id points at 3 Groups outside of the scope, 1 of them nowhere",
      "4 Notes outside of the scope belong to Models within it (model_id)",
      "Left out as the application says: Tokens",
      "7 files that documents name were missing at the source",
      "The source was written to, or restarted, while it was backed up: a, b, c, d, e and 2 more",
    ]
  `);
  expect(verdictRows(first!).map(({ name }) => name)).toEqual(["Models", "(files)"]);
});

it("adds all items up", () => {
  const items = [
    item([restored({ migrated: 2 }), synced({ missing: 1 })]),
    item([restored({ conflict: 3 })]),
  ];
  const { totals } = makeReport(samplePlan(), statusOf(items));
  expect(totals).toEqual({
    documents: counts({ migrated: 2, conflict: 3 }),
    files: counts({ missing: 1 }),
  });
});

it("lets no name become markup, nor turn the text around", () => {
  const hostile = `<script>alert("1")</script><img src=x onerror='y'>&\u202e\u0000`;
  const error = { code: "E_LOCKED" as const, message: hostile, hint: hostile };
  const steps = [
    step("inventory", { id: hostile, output: { owners: [hostile], leftOut: [hostile] } }),
    step("db-restore", { output: { verdicts: { [hostile]: counts({ migrated: 1 }) } } }),
    step("after", { state: "failed", error, output: { todo: [hostile] } }),
  ];
  const plan = samplePlan({ source: { ...sampleRequest().source, dir: hostile } });
  const html = renderReportHtml(
    makeReport(
      plan,
      statusOf([item(steps, { scope: `user:${hostile}`, state: "failed" })], { state: "failed" }),
    ),
  );
  expect(html).not.toMatch(/<script|<img|onerror='|\u202e/);
  expect(html).not.toContain("\u0000");
  expect(html).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;");
  expect(html).toContain("default-src 'none'");
});
