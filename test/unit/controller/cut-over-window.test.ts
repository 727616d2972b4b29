import { describe, expect, it } from "vitest";
import { refuseOverWindow } from "../../../src/controller/cut-over/window.ts";
import { asMigrationError } from "../../../src/core/errors.ts";
import { formatAbout } from "../../../src/core/format.ts";
import { noVerdicts } from "../../../src/core/verdict.ts";
import type { Plan } from "../../../src/plan/plan.ts";
import { estimateCutOver } from "../../../src/state/estimate.ts";
import { estimateAfter, estimateText } from "../../../src/state/estimate-after.ts";
import { Status, type StepStatus } from "../../../src/state/status.ts";
import { samplePlan, sampleRequest } from "../../support/sample-plan.ts";

type Numbers = Record<string, Partial<StepStatus>>;

/** A pass whose steps are done, but for what is said of them. */
function passOf(plan: Plan, numbers: Numbers): Status {
  const items = plan.items.map(({ id, steps }) => ({
    ...{ id, scope: id, state: "done" },
    steps: steps.map(({ id: step, kind }) => ({
      ...{ id: step, kind, state: "done", attempts: 1, milliseconds: 1000, output: {} },
      ...numbers[step],
    })),
  }));
  return Status.parse({
    ...{ version: 1, seq: 1, plan: "f", name: plan.name, migrationType: plan.migrationType },
    ...{ run: "r", generation: 1, state: "done", startedAt: 1, updatedAt: 1, items },
  });
}

const seconds = (milliseconds: number, output: unknown) => ({ milliseconds, output });

const counted = { files: { entries: 500, bytes: 10_000 }, documents: { A: 30_000, B: 10_000 } };

/** The bulk, days before: it moved no document. */
const filesPass = passOf(samplePlan({ migrationType: "files" }), {
  inventory: seconds(4000, counted),
  "files-compare": seconds(6000, {}),
  "files-sync": seconds(50_000, { filesSent: 10, bytesSent: 9000 }),
  "files-tar": seconds(10_000, { filesSent: 1, bytesSent: 1000 }),
  "files-verify": seconds(20_000, { hashedBytes: 10_000 }),
});

function secondsBy(estimate: ReturnType<typeof estimateCutOver>) {
  return Object.fromEntries(estimate.parts.map(({ step, seconds: part }) => [step, part]));
}

describe("the estimate of a cut-over", () => {
  it("takes what looks at everything as long as it took, and files as sent", () => {
    const estimate = estimateCutOver(filesPass, samplePlan());
    expect(estimate.unknown).toEqual([]);
    expect(secondsBy(estimate)).toEqual({
      ...{ preflight: 1, inventory: 4, "files-compare": 6, "files-sync": 0, "files-tar": 0 },
      ...{ "inventory-2": 4, "files-compare-2": 6, "files-sync-2": 0, "files-tar-2": 0 },
      // 40,000 documents at the rates that are assumed.
      ...{ "db-backup": 1, "files-verify": 6, "db-restore": 1.6, "db-verify": 1 },
      // No document of the sample names a file.
      ...{ "references-verify": 0, after: 1 },
    });
    expect(estimate.seconds).toBe(30.6);
    const restore = estimate.parts.find(({ step }) => step === "db-restore");
    expect(restore?.basis).toBe("40000 documents, assumed 25000 each second");
    expect(estimateText(estimate)).toBe(
      "A cut-over takes about 31 s, as the last pass says: final pass about 27 s, database about 5 s",
    );
    expect(estimateAfter(filesPass, samplePlan({ migrationType: "files" }))).toEqual(estimate);
  });

  it("takes the rates of documents that were measured", () => {
    const pass = passOf(samplePlan(), {
      inventory: seconds(1000, counted),
      "db-backup": seconds(8000, { documents: 80_000, bytes: 1 }),
      "db-restore": seconds(160_000, {}),
    });
    const estimate = secondsBy(estimateCutOver(pass, samplePlan()));
    expect(estimate).toMatchObject({ "db-backup": 8, "db-restore": 160, "db-verify": 1 });
  });

  it("takes the rates of documents of an earlier migration where the last pass moved none", () => {
    const jane = passOf(samplePlan(), {
      "db-backup": seconds(1000, { documents: 1000, bytes: 1 }),
      "db-restore": seconds(4000, {}),
    });
    const estimate = secondsBy(estimateCutOver(filesPass, samplePlan(), [jane]));
    expect(estimate).toMatchObject({ "db-backup": 40, "db-restore": 160 });
  });

  it("knows that documents that are there are compared, not written again", () => {
    const verdicts = { ...noVerdicts(), migrated: 80_000 };
    const first = {
      inventory: seconds(1000, counted),
      "db-backup": seconds(8000, { documents: 80_000, bytes: 1 }),
      "db-restore": seconds(160_000, { verdicts: { A: verdicts } }),
      "db-verify": seconds(20_000, {}),
    };
    const again = secondsBy(estimateCutOver(passOf(samplePlan(), first), samplePlan()));
    expect(again).toMatchObject({ "db-restore": 30, "db-verify": 20 });
    const identical = { A: { ...noVerdicts(), identical: 80_000 } };
    const second = { ...first, "db-restore": seconds(24_000, { verdicts: identical }) };
    const third = secondsBy(estimateCutOver(passOf(samplePlan(), second), samplePlan()));
    expect(third).toMatchObject({ "db-restore": 24 });
  });

  it("counts what an unfinished pass has left, at the rate that it had", () => {
    const pass = passOf(samplePlan({ migrationType: "files" }), {
      inventory: seconds(4000, counted),
      "files-sync": {
        ...{ state: "failed", output: undefined },
        progress: { phase: "copying", bytes: { done: 4000, total: 9000 } },
      },
      "files-tar": seconds(10_000, { bytesSent: 1000 }),
      "files-verify": { state: "not-run", output: undefined },
    });
    const estimate = estimateCutOver(pass, samplePlan());
    const bytes = secondsBy(estimate);
    expect(bytes).toMatchObject({ "files-sync": 50, "files-tar": 0 });
    // What is written is hashed too, for want of a better number at the rate of sending.
    expect(bytes["files-verify"]).toBe(51);
  });

  it("takes all of the files where the pass did not begin to send them", () => {
    const pass = passOf(samplePlan({ migrationType: "files" }), {
      inventory: seconds(4000, counted),
      "files-sync": { state: "pending", output: undefined },
    });
    expect(estimateCutOver(pass, samplePlan())).toMatchObject({
      seconds: undefined,
      unknown: expect.arrayContaining([
        'files-sync of "server": 10000 bytes are left to send, and how fast that goes is not known',
      ]),
    });
  });

  it("hashes all of the files where the plan says so, and a share of them", () => {
    const { options } = sampleRequest();
    const full = samplePlan({ options: { ...options, verify: "full" } });
    expect(secondsBy(estimateCutOver(filesPass, full))["files-verify"]).toBe(26);
    const sample = samplePlan({ options: { ...options, verify: { sample: 0.1 } } });
    expect(secondsBy(estimateCutOver(filesPass, sample))["files-verify"]).toBe(8);
    const none = samplePlan({ options: { ...options, verify: "none" } });
    expect(secondsBy(estimateCutOver(filesPass, none))["files-verify"]).toBe(6);
  });

  it("does not know what the last pass did not have", () => {
    expect(estimateCutOver(undefined, samplePlan())).toEqual({
      ...{ seconds: undefined, files: 0, documents: 0, parts: [] },
      unknown: ["nothing of it was moved before"],
    });
    const jane = samplePlan({ scopes: [{ kind: "user", value: "jane" }] });
    expect(estimateCutOver(filesPass, jane)).toMatchObject({
      ...{ seconds: undefined, unknown: ['the last pass did not have "user:jane"'] },
    });
    const noDocuments = passOf(samplePlan({ migrationType: "files" }), {});
    expect(estimateCutOver(noDocuments, samplePlan()).unknown).toContain(
      'db-restore of "server": the last pass did not count the documents',
    );
  });
});

describe("a window", () => {
  const estimate = estimateCutOver(filesPass, samplePlan());
  const refusal = (of: typeof estimate, window: number) => {
    try {
      refuseOverWindow(of, window);
    } catch (error) {
      return asMigrationError(error);
    }
    return undefined;
  };

  it("lets through what fits, and anything where there is none", () => {
    refuseOverWindow(estimate, 31);
    refuseOverWindow(estimate, undefined);
    refuseOverWindow(estimateCutOver(undefined, samplePlan()), undefined);
  });

  it("refuses what takes longer, with the numbers", () => {
    const error = refusal(estimate, 30);
    expect(error).toMatchObject({ code: "E_REFUSED" });
    expect(error?.message).toBe(
      'The cut-over would take about 31 s, longer than the window of 30 s; most of it files-compare of "server" 6 s (as in the last pass), files-compare-2 of "server" 6 s (as in the last pass), files-verify of "server" 6 s (as long as the comparison)',
    );
    expect(error?.fields).toMatchObject({ estimatedSeconds: 30.6, windowSeconds: 30 });
  });

  it("refuses what is not known, and says how it can be", () => {
    const error = refusal(estimateCutOver(undefined, samplePlan()), 14_400);
    expect(error).toMatchObject({
      code: "E_REFUSED",
      message: "Whether the cut-over fits into 4 h is not known: nothing of it was moved before",
      hint: "Run --migrationType files first, or leave --window out",
    });
  });

  it.each([
    [0.2, "1 s"],
    [59, "59 s"],
    [60, "1 min"],
    [61, "2 min"],
    [3600, "1 h"],
    [4980, "1 h 23 min"],
  ])("of %d seconds is told as %s", (value, text) => {
    expect(formatAbout(value)).toBe(text);
  });
});
