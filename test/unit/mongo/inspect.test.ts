import { BSON } from "mongodb";
import { expect, it } from "vitest";
import { describeFields } from "../../../src/mongo/inspect-fields.ts";
import { oddDocuments } from "../../support/raw-bson.ts";

it("tells names, types and frequency", () => {
  const shapes = shapesOf([
    { _id: "a", size: new BSON.Int32(1), tags: [{ name: "x" }, { name: "y" }] },
    { _id: "b", size: new BSON.Double(1.5), meta: { width: 1 } },
  ]);
  expect(shapes).toEqual([
    { path: "_id", types: { string: 2 }, frequency: 1 },
    { path: "size", types: { int32: 1, double: 1 }, frequency: 1 },
    { path: "tags", types: { array: 1 }, frequency: 0.5 },
    { path: "tags[]", types: { document: 2 }, frequency: 0.5 },
    { path: "tags[].name", types: { string: 2 }, frequency: 0.5 },
    { path: "meta", types: { document: 1 }, frequency: 0.5 },
    { path: "meta.width", types: { int32: 1 }, frequency: 0.5 },
  ]);
});

it.each([
  ["numbers", ["1", "2"]],
  ["UUIDs", ["6f0a1c9e-3b9d-4f36-a111-0123456789ab"]],
  ["object ids", ["0123456789abcdef01234567"]],
  ["mail addresses", ["jane@example.com"]],
  ["words", ["Exif Image Width"]],
  ["dates", ["y20210408"]],
])("collapses the keys of a map that are %s", (_, keys) => {
  const map = Object.fromEntries(keys.map((key) => [key, "secret"]));
  expect(shapesOf([{ map }]).map(({ path }) => path)).toEqual(["map", "map.<key>"]);
});

it("collapses a place with too many names, whatever they are", () => {
  const map = (from: number) =>
    Object.fromEntries(
      Array.from({ length: 50 }, (_, i) => [`user-${letters(from + i)}`, { n: 1 }]),
    );
  const paths = shapesOf([{ map: map(0) }, { map: map(50) }, { map: map(3) }]).map(
    ({ path }) => path,
  );
  expect(paths).toEqual(["map", "map.<key>", "map.<key>.n"]);
});

it("never tells a value", () => {
  const secret = "canary-value";
  const shapes = shapesOf([{ a: secret, b: [secret], c: { [secret.replace("-", " ")]: secret } }]);
  expect(JSON.stringify(shapes)).not.toContain("canary");
});

it("reads odd documents", () => {
  expect(describeFields(oddDocuments()).find(({ path }) => path === "v")?.frequency).toBe(1);
});

function shapesOf(documents: object[]) {
  return describeFields(documents.map((document) => Buffer.from(BSON.serialize(document))));
}

function letters(value: number): string {
  return String.fromCharCode(97 + (value % 26), 97 + Math.floor(value / 26));
}
