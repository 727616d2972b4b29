import { hash } from "node:crypto";
import { hasCode } from "../core/errors.ts";
import type { RewriteRule } from "../core/rewrite.ts";
import { buildDocument } from "./bson-build.ts";
import {
  documentsOf,
  elementsOf,
  leadingId,
  packValue,
  type RawBatch,
  type RawElement,
  type RawValue,
} from "./bson-walk.ts";
import { rewriteDocument } from "./rewrite.ts";

/** One document on its way to the destination. */
export interface Candidate {
  /** Its position within the collection of the archive, from 0. */
  ordinal: number;
  /** What is to be written: after the fix-ups, `_id` first. */
  bytes: Buffer;
  id: Buffer;
  /** SHA-256 of `bytes`; computed when it is asked for. */
  readonly hash: Buffer;
}

class HashedOnDemand implements Candidate {
  readonly ordinal: number;
  readonly bytes: Buffer;
  readonly id: Buffer;
  #hash: Buffer | undefined;

  constructor(ordinal: number, bytes: Buffer, id: Buffer) {
    this.ordinal = ordinal;
    this.bytes = bytes;
    this.id = id;
  }

  get hash(): Buffer {
    this.#hash ??= sha256(this.bytes);
    return this.#hash;
  }
}

/** A document that cannot even be sent. */
export interface Unusable {
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
export function takeApart(batch: RawBatch, { first, rules, without }: Taking): Candidates {
  const candidates: Candidates = { usable: [], unusable: [] };
  let number = -1;
  for (const document of documentsOf(batch)) {
    number += 1;
    if (without !== undefined && without[number] !== 0) continue;
    const made = makeCandidate(document, first + number, rules);
    if ("reason" in made) candidates.unusable.push(made);
    else candidates.usable.push(made);
  }
  return candidates;
}

function makeCandidate(
  document: Buffer,
  ordinal: number,
  rules: readonly RewriteRule[],
): Candidate | Unusable {
  try {
    const placed = placeId(document);
    if (placed === undefined) {
      return { ordinal, bytes: document, reason: "The document has no _id" };
    }
    const bytes = rewriteDocument(placed.document, rules);
    return new HashedOnDemand(ordinal, bytes, packValue(placed.id));
  } catch (error) {
    if (!hasCode(error, "E_INTEGRITY")) throw error;
    return { ordinal, bytes: document, reason: error.message };
  }
}

/** The server puts `_id` first; comparing needs the bytes as they will be there. */
function placeId(document: Buffer): { document: Buffer; id: RawValue } | undefined {
  const leading = leadingId(document);
  if (leading !== undefined) return { document, id: leading };
  const before: RawElement[] = [];
  for (const element of elementsOf(document)) {
    if (!element.key.equals(idKey)) {
      before.push(element);
      continue;
    }
    if (before.length === 0) return { document, id: element };
    const all = [...elementsOf(document)];
    const others = all.filter((_, index) => index !== before.length);
    return { document: buildDocument([element, ...others]), id: element };
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
