import { hash } from "node:crypto";
import { hasCode } from "../core/errors.ts";
import type { RewriteRule } from "../core/rewrite.ts";
import { buildDocument } from "./bson-build.ts";
import {
  documentLength,
  elementsOf,
  leadingId,
  type RawBatch,
  type RawElement,
  rawId,
} from "./bson-walk.ts";
import { rewriteDocument } from "./rewrite.ts";

/** One document on its way to the destination. */
export interface Candidate {
  /** Its position within the collection of the archive, from 0. */
  ordinal: number;
  /** Where it lies. */
  readonly data: Buffer;
  readonly start: number;
  readonly end: number;
  /** What is to be written: after the fix-ups, `_id` first. */
  readonly bytes: Buffer;
  readonly id: Buffer;
  /** SHA-256 of `bytes`; computed each time it is asked for. */
  readonly hash: Buffer;
}

/**
 * Views are made when they are asked for. Millions of documents are only sent, and what is made for
 * each of them outlives the collections of the heap that come meanwhile.
 */
class Placed implements Candidate {
  readonly ordinal: number;
  readonly data: Buffer;
  readonly start: number;
  readonly end: number;

  constructor(ordinal: number, data: Buffer, start = 0, end = data.length) {
    this.ordinal = ordinal;
    this.data = data;
    this.start = start;
    this.end = end;
  }

  get bytes(): Buffer {
    return this.data.subarray(this.start, this.end);
  }

  get id(): Buffer {
    return rawId(this.bytes);
  }

  get hash(): Buffer {
    return sha256(this.bytes);
  }
}

/** A document that cannot even be sent. */
interface Unusable {
  ordinal: number;
  bytes: Buffer;
  reason: string;
}

export interface Candidates {
  usable: Candidate[];
  unusable: Unusable[];
}

interface Taking {
  /** The ordinal of the batch's first document. */
  first: number;
  rules: readonly RewriteRule[];
  /** Not 0 for each document that is left out. */
  without?: Uint8Array | undefined;
}

/** Takes a batch apart. */
export function takeApart({ data }: RawBatch, { first, rules, without }: Taking): Candidates {
  const candidates: Candidates = { usable: [], unusable: [] };
  let at = 0;
  for (let number = 0; at < data.length; number += 1) {
    const start = at;
    at += documentLength(data, start);
    if (without !== undefined && without[number] !== 0) continue;
    const made = makeCandidate(new Placed(first + number, data, start, at), rules);
    if ("reason" in made) candidates.unusable.push(made);
    else candidates.usable.push(made);
  }
  return candidates;
}

function makeCandidate(asItIs: Placed, rules: readonly RewriteRule[]): Candidate | Unusable {
  const { ordinal, bytes } = asItIs;
  try {
    const placed = placeId(bytes);
    if (placed === undefined) return { ordinal, bytes, reason: "The document has no _id" };
    const made = rewriteDocument(placed, rules);
    return made === bytes ? asItIs : new Placed(ordinal, made);
  } catch (error) {
    if (!hasCode(error, "E_INTEGRITY")) throw error;
    return { ordinal, bytes, reason: error.message };
  }
}

/** The server puts `_id` first; comparing needs the bytes as they will be there. */
function placeId(document: Buffer): Buffer | undefined {
  if (leadingId(document) !== undefined) return document;
  const before: RawElement[] = [];
  for (const element of elementsOf(document)) {
    if (!element.key.equals(idKey)) {
      before.push(element);
      continue;
    }
    if (before.length === 0) return document;
    const all = [...elementsOf(document)];
    const others = all.filter((_, index) => index !== before.length);
    return buildDocument([element, ...others]);
  }
  return undefined;
}

const idKey = Buffer.from("_id");

/** By way of a string: a buffer made for each by the hash itself costs as much as the hashing. */
export function sha256(bytes: Buffer): Buffer {
  return Buffer.from(hash("sha256", bytes, "binary"), "latin1");
}

/** A key for maps of ids. */
export function idKeyOf(id: Buffer): string {
  return id.toString("latin1");
}
