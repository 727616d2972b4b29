import { BSON } from "mongodb";
import { describe, expect, it } from "vitest";
import type { RewriteRule } from "../../../src/core/rewrite.ts";
import { rewriteDocument } from "../../../src/mongo/rewrite.ts";
import { doc, el, f64, i32, i64, oddDocuments, str } from "../../support/raw-bson.ts";

const prefix: RewriteRule = { field: "p", prefix: "uploads/", with: "/data/" };
const zero: RewriteRule = { field: "n", set: 0 };
const dec = (text: string) => Buffer.from(BSON.Decimal128.fromString(text).bytes);
const badTail = Buffer.concat([Buffer.from("uploads/"), Buffer.of(0xff)]);
const badResult = Buffer.concat([Buffer.from("/data/"), Buffer.of(0xff)]);

const changed: [string, RewriteRule[], Buffer, Buffer][] = [
  ["replaces a prefix", [prefix], el(2, "p", str("uploads/a")), el(2, "p", str("/data/a"))],
  [
    "replaces it once",
    [prefix],
    el(2, "p", str("uploads/uploads/")),
    el(2, "p", str("/data/uploads/")),
  ],
  ["keeps invalid UTF-8 behind it", [prefix], el(2, "p", str(badTail)), el(2, "p", str(badResult))],
  [
    "may leave nothing",
    [{ field: "p", prefix: "x", with: "" }],
    el(2, "p", str("x")),
    el(2, "p", str("")),
  ],
  [
    "takes the first rule that matches",
    [prefix, { field: "p", prefix: "/data", with: "no" }],
    el(2, "p", str("uploads/a")),
    el(2, "p", str("/data/a")),
  ],
  ["sets an int32", [zero], el(0x10, "n", i32(7)), el(0x10, "n", i32(0))],
  ["sets an int64", [zero], el(0x12, "n", i64(7n)), el(0x12, "n", i64(0n))],
  ["sets a double", [{ field: "n", set: 0.5 }], el(0x01, "n", f64(7)), el(0x01, "n", f64(0.5))],
  ["sets a decimal", [zero], el(0x13, "n", dec("7.0")), el(0x13, "n", dec("0"))],
];

const kept: [string, RewriteRule[], Buffer][] = [
  ["another prefix", [prefix], el(2, "p", str("/uploads/a"))],
  ["a shorter string", [prefix], el(2, "p", str("up"))],
  ["another type", [prefix, zero], Buffer.concat([el(0x10, "p", i32(1)), el(2, "n", str("1"))])],
  ["a nested field", [prefix], el(3, "m", doc(el(2, "p", str("uploads/a"))))],
  ["the number that is there already", [zero], el(0x10, "n", i32(0))],
];

describe("rewriteDocument", () => {
  it.each(changed)("%s", (_, rules, before, after) => {
    const [first, last] = [el(2, "_id", str("x")), el(3, "z", doc(el(0x10, "10", i32(1))))];
    expect(rewriteDocument(doc(first, before, last), rules)).toEqual(doc(first, after, last));
  });

  it.each(kept)("gives the same buffer back for %s", (_, rules, element) => {
    const document = doc(el(2, "_id", str("x")), element);
    expect(rewriteDocument(document, rules)).toBe(document);
  });

  it("gives every odd document back as it is", () => {
    for (const document of oddDocuments()) {
      expect(rewriteDocument(document, [prefix, { field: "absent", set: 1 }])).toBe(document);
    }
  });

  it.each([
    ["a fraction", 0.5, el(0x10, "n", i32(7))],
    ["what is too large", 2 ** 31, el(0x10, "n", i32(7))],
    ["a fraction", 0.5, el(0x12, "n", i64(7n))],
  ])("refuses to put %s into an integer", (_, set, element) => {
    const rewrite = () => rewriteDocument(doc(element), [{ field: "n", set }]);
    expect(rewrite).toThrow(expect.objectContaining({ code: "E_APPLICATION" }));
  });
});
