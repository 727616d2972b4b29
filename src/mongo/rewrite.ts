import { BSON } from "mongodb";
import { MigrationError } from "../core/errors.ts";
import type { RewriteRule } from "../core/rewrite.ts";
import { buildDocument, stringValue } from "./bson-build.ts";
import { bsonTypes, elementsOf, type RawElement, type RawValue } from "./bson-walk.ts";

/**
 * Applies fix-ups to the raw bytes of a document: nothing but the values of the named top-level
 * fields changes, and the very same buffer comes back when no rule matches. Of several rules for
 * one field the first that matches counts, so that no rule sees another one's result.
 */
export function rewriteDocument(document: Buffer, rules: readonly RewriteRule[]): Buffer {
  if (rules.length === 0) return document;
  let changed = false;
  const elements: RawElement[] = [];
  for (const element of elementsOf(document)) {
    const value = rewriteElement(element, rules);
    if (value !== undefined) changed = true;
    elements.push(value === undefined ? element : { ...element, bytes: value });
  }
  return changed ? buildDocument(elements) : document;
}

function rewriteElement(element: RawElement, rules: readonly RewriteRule[]): Buffer | undefined {
  const field = element.key.toString();
  for (const rule of rules) {
    if (rule.field !== field) continue;
    const bytes = "prefix" in rule ? replacePrefix(element, rule) : setNumber(element, rule);
    if (bytes !== undefined) return bytes.equals(element.bytes) ? undefined : bytes;
  }
  return undefined;
}

/** Works on bytes, so that a string with invalid UTF-8 behind the prefix keeps it. */
function replacePrefix(value: RawValue, rule: { prefix: string; with: string }) {
  if (value.type !== bsonTypes.string) return undefined;
  const prefix = Buffer.from(rule.prefix);
  const text = value.bytes.subarray(4, -1);
  if (!text.subarray(0, prefix.length).equals(prefix)) return undefined;
  const changed = Buffer.concat([Buffer.from(rule.with), text.subarray(prefix.length)]);
  const bytes = Buffer.concat([stringValue("").bytes.subarray(0, 4), changed, Buffer.of(0)]);
  bytes.writeInt32LE(changed.length + 1);
  return bytes;
}

function setNumber(value: RawValue, rule: { field: string; set: number }): Buffer | undefined {
  const write = numberWriters[value.type];
  if (write === undefined) return undefined;
  const bytes = Buffer.alloc(value.bytes.length);
  try {
    write(bytes, rule.set);
  } catch (error) {
    const message = `Cannot set field "${rule.field}" to ${rule.set}: its type cannot hold that`;
    throw new MigrationError("E_APPLICATION", message, {
      cause: error,
      hint: "Correct the rewrite rule in the application description",
      fields: { bsonType: value.type },
    });
  }
  return bytes;
}

/** Each throws a RangeError for a number that the type cannot hold exactly. */
const numberWriters: Record<number, (bytes: Buffer, value: number) => unknown> = {
  [bsonTypes.double]: (bytes, value) => bytes.writeDoubleLE(value),
  [bsonTypes.int32]: (bytes, value) => bytes.writeInt32LE(wholeNumber(value)),
  [bsonTypes.int64]: (bytes, value) => bytes.writeBigInt64LE(BigInt(value)),
  [bsonTypes.decimal128]: (bytes, value) =>
    bytes.set(BSON.Decimal128.fromString(String(value)).bytes),
};

function wholeNumber(value: number): number {
  if (!Number.isInteger(value)) throw new RangeError("Not a whole number");
  return value;
}
