import fc from "fast-check";
import { expect, it } from "vitest";
import { parseApplication } from "../../../src/config/load-application.ts";
import { MigrationError } from "../../../src/core/errors.ts";
import { safeRelativePath } from "../../../src/files/entry.ts";
import { bsonTypes, elementsOf, type RawValue } from "../../../src/mongo/bson-walk.ts";
import { expandPattern } from "../../../src/workers/select-files.ts";
import { itHolds, readVectors } from "../../support/fuzz.ts";
import { doc, oddElements, str } from "../../support/raw-bson.ts";

function asText(value: string | Uint8Array): RawValue {
  return { type: bsonTypes.string, bytes: str(Buffer.from(value)) };
}

const hostile = fc.constantFrom(
  "",
  ".",
  "..",
  "a/b",
  "/",
  "../x",
  "a\0b",
  "{owner}",
  "x".repeat(255),
);
const odd = fc.constantFrom(...Object.values(oddElements)).map((element): RawValue => {
  const [found] = elementsOf(doc(element));
  return found ?? asText("");
});
const value = fc.oneof(hostile.map(asText), fc.uint8Array({ maxLength: 260 }).map(asText), odd);
const row = fc
  .dictionary(fc.constantFrom("owner", "_id", "other"), value)
  .map((fields) => new Map(Object.entries(fields)));

const part = fc.constantFrom(
  "{owner}",
  "{_id}",
  "{owner}{_id}",
  "{_id}.zip",
  ".{owner}",
  "data",
  "",
  ".",
  "..",
);
const pattern = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));

/** Whether an application may have this pattern. */
function isAccepted(text: string): boolean {
  const file = JSON.stringify({
    ...{ application: "x", database: "d", mount: "/m" },
    collections: { A: { files: [{ file: text }] } },
  });
  try {
    parseApplication(file, "my.yaml");
    return true;
  } catch (error) {
    if (error instanceof MigrationError) return false;
    throw error;
  }
}

function expectBelow(text: string, fields: ReadonlyMap<string, RawValue>) {
  const path = expandPattern(text, new Map(fields));
  if (typeof path === "string") expect(text).toContain(`{${path}}`);
  else expect(safeRelativePath(path), path.toString("latin1")).toBe(true);
}

itHolds("stays below the root or names a field, whatever a document holds", 500, () =>
  fc.property(pattern.filter(isAccepted), row, expectBelow),
);

interface Vector {
  pattern: string;
  row: Record<string, string>;
  field: string;
}

it.each(readVectors<Vector>("document-path"))("names a field for %s", (_, vector) => {
  const fields = Object.entries(vector.row).map(([key, text]) => [key, asText(text)] as const);
  expect(expandPattern(vector.pattern, new Map(fields))).toBe(vector.field);
});

it.each(["a//b", "a/", "./a", "a/./b", "a\0b"])(
  "accepts no pattern %j, which no file has",
  (text) => {
    expect(isAccepted(text)).toBe(false);
  },
);
