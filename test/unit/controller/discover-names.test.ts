import { expect, it } from "vitest";
import { flagWithin, textAt, valueAt } from "../../../src/controller/discover/json-value.ts";
import { exactNames, fillTemplate, matchName } from "../../../src/controller/discover/names.ts";

it.each<[string, string, string | undefined]>([
  ["{name}-mongodb", "vision-mongodb", "vision"],
  ["{name}-mongodb", "a-b-mongodb", "a-b"],
  ["{name}-mongodb", "vision-mongodb-exporter", undefined],
  ["{name}-mongodb", "-mongodb", undefined],
  ["{name}-mongodb", "mongodb", undefined],
  ["vision-service", "vision-service", ""],
  ["vision-service", "vision-service-dataset", undefined],
  ["vision-service", "my-vision-service", undefined],
  ["*-binding-3faa6f5e", "x-binding-3faa6f5e", ""],
  ["*vision*", "registry.example:5000/vision-ui", ""],
  ["a.b", "axb", undefined],
  ["{name}.v1", "xxv1", undefined],
])("the pattern %s fits %s as %j", (pattern, name, expected) => {
  expect(matchName([pattern], name)).toBe(expected);
});

it("makes names of the patterns that say them whole", () => {
  const patterns = ["{name}-secrets", "vision-secrets", "*-binding"];
  expect(exactNames(patterns, "masmvi")).toEqual(["masmvi-secrets", "vision-secrets"]);
  expect(exactNames(patterns, undefined)).toEqual(["vision-secrets"]);
});

it("fills a text with what is known, or not at all", () => {
  expect(fillTemplate("mas-{name}-{release}", { name: "fed", release: "r" })).toBe("mas-fed-r");
  expect(fillTemplate("mas-{name}", {})).toBeUndefined();
  expect(fillTemplate("admin", {})).toBe("admin");
});

it("finds values by a path, and nothing that every object has", () => {
  const value = { MONGODB: [{ SERVER: "s", PORT: 27017, EMPTY: "" }] };
  expect(valueAt(value, "MONGODB[0].SERVER")).toBe("s");
  expect(textAt(value, "MONGODB[0].PORT")).toBe("27017");
  expect(textAt(value, "MONGODB[0].EMPTY")).toBeUndefined();
  expect(valueAt(value, "MONGODB[1].SERVER")).toBeUndefined();
  expect(valueAt(value, "constructor.name")).toBeUndefined();
  expect(valueAt(null, "a")).toBeUndefined();
});

it.each([
  [{ spec: { a: [{ on: true }] } }, true],
  [{ spec: { on: "True" }, status: { on: false } }, true],
  [{ spec: { on: false } }, false],
  [{ spec: { on: null } }, undefined],
  [{}, undefined],
])("of %j the flag is %j", (value, expected) => {
  expect(flagWithin(value, "on")).toBe(expected);
});
