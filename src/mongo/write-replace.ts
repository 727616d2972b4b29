import { MigrationError } from "../core/errors.ts";
import { arrayValue, buildDocument, documentValue, element, stringValue } from "./bson-build.ts";
import { elementsOf, rawId, unpackValue } from "./bson-walk.ts";
import { RawDocument } from "./raw-document.ts";
import type { CurrentConnection } from "./source-current.ts";
import { durable, replyOptions, type WriteSettings, writeFlags } from "./write-settings.ts";

export interface Replacement {
  collection: string;
  expected: Buffer;
  replacement: Buffer;
}

/** The condition repeats the whole document, and it shares 16 MiB with the replacement. */
const conditionBytes = 15 * 1024 * 1024;

/**
 * Replaces a document by raw bytes in one atomic command whose condition is the whole document that
 * was compared. The server's equality takes 5 for 5.0, so its answer, the document as it was, is
 * compared byte for byte as well; if it was another, it is put back.
 *
 * For a document too large to be repeated in the condition only the answer is compared: a change
 * by another program in that instant is put back then, and is absent for the time between.
 */
export async function replaceExactly(
  connection: CurrentConnection,
  settings: WriteSettings,
  { collection, expected, replacement }: Replacement,
): Promise<boolean> {
  const modify = (from: Buffer, to: Buffer) =>
    findAndModify(connection, settings, {
      ...{ collection, expected: from, otherBytes: to.length },
      change: { update: replacementUpdate(to) },
    });
  const before = await modify(expected, replacement);
  if (before === undefined) return false;
  if (before.equals(expected)) return true;
  await modify(replacement, before);
  return false;
}

interface Change {
  collection: string;
  expected: Buffer;
  /** What the command holds beside its condition. */
  otherBytes: number;
  change: { update: unknown } | { remove: true };
}

/** The document as it was before the change; undefined where none met the condition. */
export async function findAndModify(
  { db }: CurrentConnection,
  settings: WriteSettings,
  { collection, expected, otherBytes, change }: Change,
): Promise<Buffer | undefined> {
  const command = {
    findAndModify: collection,
    query: new RawDocument("query", exactCondition(expected, otherBytes)),
    ...change,
    collation: { locale: "simple" },
    ...durable,
    ...("update" in change ? writeFlags(settings) : {}),
  };
  const reply = await db.command(command, { ...replyOptions(settings), raw: true });
  const value: unknown = reply["value"];
  if (value === null || value === undefined) return undefined;
  if (value instanceof Uint8Array) return Buffer.from(value);
  throw new MigrationError("E_UNEXPECTED", "The driver did not give the changed document as bytes");
}

/**
 * A document that has a field like `$set` of its own cannot be an update as it is; a stage that
 * takes it literally can, which puts the indexes of its arrays in order.
 */
function replacementUpdate(replacement: Buffer): unknown {
  for (const { key } of elementsOf(replacement)) {
    if (key[0] !== dollar) continue;
    const literal = buildDocument([element("$literal", documentValue(replacement))]);
    const stage = buildDocument([element("$replaceWith", documentValue(literal))]);
    return [new RawDocument("0", stage)];
  }
  return new RawDocument("update", replacement);
}

const dollar = "$".charCodeAt(0);

/** `{_id: …, $expr: {$eq: ["$$ROOT", {$literal: …}]}}`; `_id` alone where that is too large. */
function exactCondition(expected: Buffer, otherBytes: number): Buffer {
  const id = element("_id", unpackValue(rawId(expected)));
  if (expected.length + otherBytes > conditionBytes) return buildDocument([id]);
  const literal = buildDocument([element("$literal", documentValue(expected))]);
  const both = arrayValue([stringValue("$$ROOT"), documentValue(literal)]);
  const equal = buildDocument([element("$eq", both)]);
  return buildDocument([id, element("$expr", documentValue(equal))]);
}
