import { BSON } from "mongodb";
import type { ConflictPolicy, Verdict } from "../core/verdict.ts";
import { buildDocument, element } from "./bson-build.ts";
import { unpackValue } from "./bson-walk.ts";
import type { ConflictReason } from "./compare-document.ts";
import type { Candidate } from "./restore-candidate.ts";

/** What became of one document, with what is to be listed of it. */
export interface Outcome {
  verdict: Verdict;
  conflict?: Conflict;
  reject?: Reject;
}

export interface Conflict {
  reason: ConflictReason | "equal-id" | "unique-index";
  policy: ConflictPolicy;
  /** For `unique-index`: its name and fields, where the server tells or they can be found. */
  index?: string;
  keyPattern?: Record<string, unknown>;
  /** The packed id of the document that holds the key. */
  holder?: Buffer;
}

interface Reject {
  /** The server's error code; absent where the document could not even be sent. */
  code?: number;
  reason: string;
  /** The document as it was to be written. */
  bytes: Buffer;
}

/** Outcomes by ordinal. */
export type Outcomes = Map<number, Outcome>;

export function reject(candidate: Candidate, code: number | undefined, reason: string): Outcome {
  const known = code === undefined ? {} : { code };
  return { verdict: "rejected", reject: { ...known, reason, bytes: candidate.bytes } };
}

/** An id as canonical Extended JSON; null for what that cannot express. */
export function idToJson(id: Buffer): unknown {
  try {
    const document = buildDocument([element("_id", unpackValue(id))]);
    const decoded = BSON.deserialize(document, { promoteValues: false, bsonRegExp: true });
    return BSON.EJSON.serialize(decoded, { relaxed: false })["_id"];
  } catch {
    return null;
  }
}
