import { describe, expect, it } from "vitest";
import type { DocumentRecord } from "../../../src/core/ledger.ts";
import { compareField, type Decision, decide } from "../../../src/mongo/compare-document.ts";
import { sha256, takeApart } from "../../../src/mongo/restore-candidate.ts";
import { doc, el, f64, i32, i64, str } from "../../support/raw-bson.ts";

const version = (v: number) => doc(el(2, "_id", str("x")), el(0x10, "v", i32(v)));
const hash = (v: number) => sha256(version(v));
const rules = { policy: "keep-destination", run: "now" } as const;
const record = (v: number, run: string, previous?: number): DocumentRecord => {
  return { hash: hash(v), run, ...(previous === undefined ? {} : { previous: hash(previous) }) };
};

/** The source has version 2. */
const cases: [string, number | undefined, DocumentRecord | undefined, Decision][] = [
  ["absent", undefined, undefined, { action: "insert" }],
  ["absent though once written", undefined, record(1, "before"), { action: "insert" }],
  ["equal by somebody else", 2, undefined, { action: "none", verdict: "identical" }],
  ["equal since an earlier run", 2, record(2, "before"), { action: "none", verdict: "identical" }],
  ["written by this run", 2, record(2, "now"), { action: "none", verdict: "migrated" }],
  ["replaced by this run", 2, record(2, "now", 1), { action: "none", verdict: "updated" }],
  ["as we wrote it before", 1, record(1, "before"), { action: "replace", overwrites: false }],
  ["not replaced yet", 1, record(2, "now", 1), { action: "replace", overwrites: false }],
  ["somebody else's", 3, undefined, { action: "keep", reason: "content" }],
  ["ours once, changed since", 3, record(1, "before"), { action: "keep", reason: "content" }],
];

describe("decide", () => {
  it.each(cases)("knows what is %s", (_, destination, known, expected) => {
    const sides = {
      source: { bytes: version(2), hash: hash(2) },
      destination: destination === undefined ? undefined : version(destination),
      record: known,
    };
    expect(decide(sides, rules)).toEqual(expected);
  });
});

describe("compareField", () => {
  it.each([
    ["int32", el(0x10, "a", i32(-1)), el(0x10, "a", i32(2)), -1],
    ["int64", el(0x12, "a", i64(2n ** 53n + 1n)), el(0x12, "a", i64(2n ** 53n)), 1],
    ["date", el(0x09, "a", i64(-5n)), el(0x09, "a", i64(-5n)), 0],
    ["double", el(0x01, "a", f64(0.5)), el(0x01, "a", f64(0.25)), 1],
    ["string", el(0x02, "a", str("a")), el(0x02, "a", str("é")), -1],
    ["NaN", el(0x01, "a", f64(Number.NaN)), el(0x01, "a", f64(1)), undefined],
    ["different types", el(0x10, "a", i32(1)), el(0x12, "a", i64(1n)), undefined],
    ["other types", el(0x08, "a", Buffer.of(1)), el(0x08, "a", Buffer.of(0)), undefined],
    ["missing fields", el(0x10, "b", i32(1)), el(0x10, "a", i32(1)), undefined],
  ])("orders %s", (_, a, b, expected) => {
    expect(compareField(doc(a), doc(b), "a")).toBe(expected);
  });
});

describe("takeApart", () => {
  it("puts _id first, as the server does", () => {
    const [id, a, b] = [el(2, "_id", str("x")), el(0x10, "a", i32(1)), el(0x10, "b", i32(2))];
    const { usable } = takeApart({ data: doc(a, id, b), count: 1 }, { first: 7, rules: [] });
    expect(usable).toMatchObject([{ ordinal: 7, bytes: doc(id, a, b) }]);
  });

  it("sets documents aside that have no _id or are broken, and goes on", () => {
    const broken = doc(el(0x66, "_", Buffer.alloc(3)), el(2, "_id", str("x")));
    const data = Buffer.concat([doc(), broken, version(1)]);
    const { usable, unusable } = takeApart({ data, count: 3 }, { first: 0, rules: [] });
    expect(unusable.map(({ ordinal, bytes }) => [ordinal, bytes])).toEqual([
      [0, doc()],
      [1, broken],
    ]);
    expect(usable.map(({ ordinal }) => ordinal)).toEqual([2]);
  });
});
