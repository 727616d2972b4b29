import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { makeJournalCheck } from "../../../tools/soak/check-journal.ts";
import {
  type SeenStatus,
  type SeenStep,
  statusViolations,
  sumViolations,
} from "../../../tools/soak/check-status.ts";
import { faultKinds, scheduleRound, ways } from "../../../tools/soak/schedule.ts";

describe("the schedule of a soak", () => {
  const rounds = (seed: string) =>
    Array.from({ length: 40 }, (_, index) => scheduleRound(seed, index + 1));

  it("is the same for the same seed, and another one for another", () => {
    expect(rounds("7")).toEqual(rounds("7"));
    expect(rounds("7")).not.toEqual(rounds("8"));
  });

  it("makes every fault and takes every way before long", () => {
    const all = rounds("7");
    const kinds = all.flatMap(({ faults }) => faults.map(({ kind }) => kind));
    expect(new Set(kinds)).toEqual(new Set(faultKinds));
    expect(new Set(all.map(({ way }) => way))).toEqual(new Set(ways));
    expect(all.filter(({ sleep }) => sleep !== undefined).length).toBeGreaterThan(1);
  });

  it("kills no receiver where there is none", () => {
    const folders = rounds("7").filter(({ way }) => way === "folder");
    const kinds = folders.flatMap(({ faults }) => faults.map(({ kind }) => kind));
    expect(kinds.length).toBeGreaterThan(0);
    expect(kinds.filter((kind) => kind.startsWith("receiver"))).toEqual([]);
  });
});

function statusOf(step: Partial<SeenStep>, rest: Partial<SeenStatus> = {}): SeenStatus {
  const usual = { id: "db-restore", kind: "db-restore", state: "running", attempts: 2 };
  const items = [{ id: "server", steps: [{ ...usual, ...step }] }];
  return { seq: 9, generation: 2, holder: { fencing: 3 }, items, ...rest };
}

const at = (phase: string, done: number) => ({ progress: { phase, documents: { done } } });

describe("the check of a status", () => {
  const usual = statusOf(at("Notes", 70));

  it.each([
    ["is as before", usual],
    ["counts on", statusOf(at("Notes", 71), { seq: 10 })],
    ["counts anew in another phase", statusOf(at("Boxes", 0))],
    ["counts anew in another attempt", statusOf({ ...at("Notes", 0), attempts: 3 })],
    ["has no progress any more", statusOf({})],
  ])("is content with one that %s", (_, now) => {
    expect(statusViolations(usual, now)).toEqual([]);
  });

  it.each<[string, SeenStatus, string]>([
    ["whose counter falls", statusOf(at("Notes", 69)), "the documents of server/db-restore"],
    ["that tries less often", statusOf({ attempts: 1 }), "the attempts of server/db-restore"],
    ["of an earlier event", statusOf({}, { seq: 8 }), "the number of the newest event"],
    ["of an earlier generation", statusOf({}, { generation: 1 }), "the generation"],
    ["of an earlier holder", statusOf({}, { holder: { fencing: 2 } }), "fencing number"],
    ["that lacks a step", statusOf({}, { items: [] }), "server/db-restore is gone"],
  ])("finds one %s", (_, now, words) => {
    expect(statusViolations(usual, now)).toEqual([expect.stringContaining(words)]);
  });

  it("finds a step that was done and is undone, or done again", () => {
    const done = statusOf({ state: "done" });
    expect(statusViolations(done, statusOf({ state: "pending" }))).toEqual([
      "step server/db-restore was done and is pending",
    ]);
    expect(statusViolations(done, statusOf({ state: "done", attempts: 3 }))).toEqual([
      "step server/db-restore was done and is tried again",
    ]);
    const rerun = statusOf({ state: "pending", attempts: 0 }, { generation: 3 });
    expect(statusViolations(done, rerun)).toEqual([]);
  });
});

describe("the sum of the verdicts", () => {
  const restored = (item: string, verdicts: Record<string, Record<string, number>>) => ({
    id: item,
    steps: [{ id: "r", kind: "db-restore", state: "done", attempts: 1, output: { verdicts } }],
  });
  const items = [
    restored("user:jane", { Notes: { migrated: 3, conflict: 1 }, Boxes: { identical: 1 } }),
    restored("user:bob", { Notes: { migrated: 2, conflict: 0 } }),
  ];

  it("must be what the source has, over all items", () => {
    expect(sumViolations({ Notes: 6, Boxes: 1 }, statusOf({}, { items }))).toEqual([]);
  });

  it("is found where it is not, also for a collection without any verdict", () => {
    expect(sumViolations({ Notes: 7, Boxes: 1, Items: 2 }, statusOf({}, { items }))).toEqual([
      "Notes has 7 documents at the source, the verdicts are 6",
      "Items has 2 documents at the source, the verdicts are 0",
    ]);
  });
});

function line(seq: number, fencing: number, event: object): string {
  const content = JSON.stringify({ version: 1, seq, fencing, event });
  const crc = crc32(content).toString(16).padStart(8, "0");
  return `{"crc":"${crc}",${content.slice(1)}\n`;
}

describe("the check of a journal", () => {
  const step = { item: "server", step: "inventory" };
  const started = { type: "step-started", ...step };
  const run = (name: string) => ({ type: "run-started", run: name });
  const first = line(1, 1, run("a"));

  it("is content with one that grows, is taken over, and is run again", () => {
    const check = makeJournalCheck();
    const lines = [
      ...[first, line(2, 1, started), line(3, 1, { type: "step-done", ...step })],
      ...[line(4, 2, run("a")), line(5, 3, run("b")), line(6, 3, started)],
    ];
    for (let count = 0; count <= lines.length; count += 1) {
      expect(check.see(`${lines.slice(0, count).join("")}{"crc":"torn`)).toEqual([]);
    }
    expect(check.lines).toBe(lines.length);
  });

  it.each([
    ["an older holder's line", [first, line(2, 2, run("a")), line(3, 1, started)], "written after"],
    ["a gap", [first, line(3, 1, started)], "follows event 1"],
    ["one number twice", [first, line(2, 1, started), line(2, 1, started)], "follows event 2"],
    [
      "a step that is done again",
      [
        ...[first, line(2, 1, started), line(3, 1, { type: "step-done", ...step })],
        ...[line(4, 2, run("a")), line(5, 2, started)],
      ],
      "server/inventory is done again",
    ],
    ["a damaged line", [first.replace("run-started", "run-ztarted")], "damaged"],
  ])("finds %s", (_, lines, words) => {
    expect(makeJournalCheck().see(lines.join(""))).toEqual([expect.stringContaining(words)]);
  });

  it("finds a line that is gone or was changed since", () => {
    for (const now of ["", line(1, 1, run("b"))]) {
      const check = makeJournalCheck();
      expect(check.see(first)).toEqual([]);
      expect(check.see(now)).toEqual(["line 1 of the journal is gone, or is another one"]);
    }
  });
});
