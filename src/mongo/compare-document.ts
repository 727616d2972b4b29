import type { DocumentRecord } from "../core/ledger.ts";
import type { ConflictPolicy } from "../core/verdict.ts";
import { bsonTypes, rawField } from "./bson-walk.ts";
import { sha256 } from "./restore-candidate.ts";

/** What to do with one document of the source, given what is at the destination. */
export type Decision =
  | { action: "none"; verdict: "identical" | "migrated" | "updated" }
  | { action: "insert" }
  /** `overwrites`: what is replaced was not written by us. */
  | { action: "replace"; overwrites: boolean }
  | { action: "keep"; reason: ConflictReason };

export type ConflictReason = "content" | "destination-newer" | "not-comparable";

export interface DecisionRules {
  policy: ConflictPolicy;
  newestBy?: string | undefined;
  run: string;
}

interface Sides {
  source: { bytes: Buffer; hash: Buffer };
  destination: Buffer | undefined;
  record: DocumentRecord | undefined;
}

/**
 * The heart of compare-first. What we wrote ourselves, by the ledger, follows the source; what
 * somebody else wrote is a conflict under the policy. A document that this very run wrote before
 * it was interrupted gets the verdict that it would have had without the interruption.
 */
export function decide({ source, destination, record }: Sides, rules: DecisionRules): Decision {
  if (destination === undefined) return { action: "insert" };
  if (source.bytes.equals(destination)) {
    return { action: "none", verdict: verdictOfEqual(source, record, rules.run) };
  }
  if (record !== undefined && wasWrittenByUs(sha256(destination), record)) {
    return { action: "replace", overwrites: false };
  }
  return decideConflict(source.bytes, destination, rules);
}

/** Hashes the document only where that matters. */
function verdictOfEqual(source: Sides["source"], record: DocumentRecord | undefined, run: string) {
  if (record?.run !== run || !record.hash.equals(source.hash)) return "identical";
  return record.previous === undefined ? "migrated" : "updated";
}

function wasWrittenByUs(destinationHash: Buffer, record: DocumentRecord): boolean {
  return record.hash.equals(destinationHash) || record.previous?.equals(destinationHash) === true;
}

function decideConflict(source: Buffer, destination: Buffer, rules: DecisionRules): Decision {
  if (rules.policy === "overwrite") return { action: "replace", overwrites: true };
  if (rules.policy !== "newest") return { action: "keep", reason: "content" };
  const field = rules.newestBy;
  const order = field === undefined ? undefined : compareField(source, destination, field);
  if (order === undefined) return { action: "keep", reason: "not-comparable" };
  if (order > 0) return { action: "replace", overwrites: true };
  return { action: "keep", reason: "destination-newer" };
}

/** The order of a top-level field of two documents; undefined unless both are of one known type. */
export function compareField(a: Buffer, b: Buffer, field: string): number | undefined {
  const left = rawField(a, field);
  const right = rawField(b, field);
  if (left === undefined || right === undefined || left.type !== right.type) return undefined;
  const read = readers[left.type];
  if (read === undefined) return undefined;
  const [x, y] = [read(left.bytes), read(right.bytes)];
  if (x < y) return -1;
  if (x > y) return 1;
  return x === y ? 0 : undefined;
}

/** Strings compare by their bytes, which is the order of their code points. */
const readers: Record<number, (bytes: Buffer) => number | bigint | string> = {
  [bsonTypes.double]: (bytes) => bytes.readDoubleLE(),
  [bsonTypes.string]: (bytes) => bytes.toString("latin1", 4),
  [bsonTypes.date]: (bytes) => bytes.readBigInt64LE(),
  [bsonTypes.int32]: (bytes) => bytes.readInt32LE(),
  [bsonTypes.timestamp]: (bytes) => bytes.readBigUInt64LE(),
  [bsonTypes.int64]: (bytes) => bytes.readBigInt64LE(),
};
