import { expect, it } from "vitest";
import { fill } from "../../../../src/controller/render/template.ts";

it("puts a value in the place of a whole scalar, also of an item of a list", () => {
  const template = { name: "var-name", list: ["a", "var-list", "z"], kept: "var", number: 1 };
  expect(fill(template, "t", { name: "n", list: ["b", "c"] })).toEqual({
    ...{ name: "n", list: ["a", "b", "c", "z"], kept: "var", number: 1 },
  });
});

it("leaves out what has no value", () => {
  const template = { a: "var-a", list: ["var-a"], b: { c: "var-a" } };
  expect(fill(template, "t", { a: undefined })).toEqual({ list: [], b: {} });
});

it("does not look at values for variables again", () => {
  expect(fill({ a: "var-a", b: "var-b" }, "t", { a: "var-b", b: "var-a" })).toEqual({
    ...{ a: "var-b", b: "var-a" },
  });
});

it("puts words into the text of a command, each quoted where it must be", () => {
  const args = "run var-words >&2";
  expect(fill({ args }, "t", { words: ["--plan", "a b", "$(X)", "it's", ""] })).toEqual({
    args: "run --plan 'a b' '$$(X)' 'it'\\''s' '' >&2",
  });
});

it.each([
  [{ a: "var-unknown" }, {}, /template "t" wants "unknown"/],
  [{ a: "x var-unknown y" }, {}, /template "t" wants "unknown"/],
  [{ a: "var-to-string" }, {}, /wants "to-string"/],
  [{ a: "x" }, { "pvc-name": "p" }, /has no place for "pvc-name"/],
])("refuses a variable that only one side knows: %j", (template, variables, message) => {
  expect(() => fill(template, "t", variables)).toThrow(message);
});
