import { describe, expect, it } from "vitest";
import { isExpired, ttlIndexesOf } from "../../../src/mongo/verify-expiry.ts";
import { doc, el, i32, i64 } from "../../support/raw-bson.ts";

const index = { field: "at", seconds: 10 };
const date = (key: string, time: bigint) => el(9, key, i64(time));

describe("isExpired", () => {
  it.each([
    ["its time is over", doc(date("at", 0n)), true],
    ["its time is not over", doc(date("at", 1n)), false],
    ["the earliest of several is over", doc(el(4, "at", doc(date("0", 5n), date("1", -5n)))), true],
    ["it has no date there", doc(el(0x10, "at", i32(0))), false],
    ["it has no such field", doc(date("b", 0n)), false],
  ])("says of a document whether %s", (_, document, expected) => {
    expect(isExpired(document, index, 10_000)).toBe(expected);
  });

  it("takes only the indexes that delete", () => {
    const indexes = [{ key: { a: 1 } }, { key: { at: 1 }, expireAfterSeconds: 0 }];
    expect(ttlIndexesOf(indexes)).toEqual([{ field: "at", seconds: 0 }]);
  });
});
