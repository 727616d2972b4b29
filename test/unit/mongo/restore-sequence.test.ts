import { describe, expect, it } from "vitest";
import { loadRawSequences } from "../../../src/mongo/document-sequence.ts";
import { knowsEmptyTimestamps } from "../../../src/mongo/write-version.ts";

describe("the driver's document sequence", () => {
  it("passes its self-test with the driver that is installed", () => {
    expect(loadRawSequences()).toBeDefined();
  });
});

describe("knowsEmptyTimestamps", () => {
  it.each([
    ["4.2.25", false],
    ["5.0.28", false],
    ["5.0.31", true],
    ["6.0.16", false],
    ["6.0.27", true],
    ["7.0.13", true],
    ["7.1.0", false],
    ["8.0.0-rc1", true],
    ["10.0.1", true],
  ])("knows of %s that it is %s", (version, expected) => {
    expect(knowsEmptyTimestamps(version)).toBe(expected);
  });
});
