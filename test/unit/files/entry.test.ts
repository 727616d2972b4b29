import { posix } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  isWithin,
  joinPath,
  nameOf,
  parentOf,
  partsOf,
  printablePath,
  safePathPart,
} from "../../../src/files/entry.ts";
import { inheritedMode, powersOf } from "../../../src/files/ownership.ts";
import { beginsLike } from "../../../src/files/selected-entries.ts";

it.each(["", ".", "..", "a/b", "/", "a\0b", "x".repeat(256)])("refuses %j as a part", (name) => {
  expect(safePathPart(name)).toBe(false);
});

it.each(["a", "...", " ", "-rf", "a:b", "$where", "x".repeat(255)])(
  "takes %j as a part",
  (name) => {
    expect(safePathPart(name)).toBe(true);
  },
);

it("keeps whatever is joined from safe parts below the root", () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 4 }), (parts) => {
      fc.pre(parts.every(safePathPart));
      expect(posix.join("/root", ...parts).startsWith("/root/")).toBe(true);
    }),
  );
});

it("takes a path apart as it was put together", () => {
  const part = fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.array(part, { minLength: 1 }), (parts) => {
      fc.pre(parts.every(safePathPart));
      const path = parts.reduce(joinPath, Buffer.from("."));
      expect(partsOf(path)).toEqual(parts);
      expect(nameOf(path)).toEqual(parts.at(-1));
      expect(isWithin(path, parentOf(path))).toBe(true);
      const { path: text, base64 } = printablePath(path);
      expect(base64 === undefined ? Buffer.from(text) : Buffer.from(base64, "base64")).toEqual(
        path,
      );
    }),
  );
});

it("does not take a longer name for something within a folder", () => {
  expect(isWithin(Buffer.from("logs2/a"), Buffer.from("logs"))).toBe(false);
  expect(isWithin(Buffer.from("logs/a"), Buffer.from("logs"))).toBe(true);
});

it.each([
  ["x", true],
  ["x.zip", true],
  ["x_ios", true],
  ["xy", false],
  ["x-1", false],
  ["x9.zip", false],
  ["y", false],
])("of the model x, %s is %s", (name, belongs) => {
  expect(beginsLike(Buffer.from(name), Buffer.from("x"))).toBe(belongs);
});

it.each([
  [0o644, "f", 0o664],
  [0o4755, "f", 0o775],
  [0o400, "f", 0o660],
  [0o755, "d", 0o2775],
  [0o1777, "d", 0o3777],
] as const)("opens %o of a %s to the group", (mode, type, expected) => {
  expect(inheritedMode(mode, type)).toBe(expected);
});

it("allows preserving owners only to root with the three capabilities", () => {
  const needed = 0b1011n;
  expect(powersOf(true, needed).preserve).toBe(true);
  expect(powersOf(false, needed).preserve).toBe(false);
  for (const missing of [1n, 2n, 8n])
    expect(powersOf(true, needed & ~missing).preserve).toBe(false);
});
