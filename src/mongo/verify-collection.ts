import { failpoint } from "../core/failpoints.ts";
import type { RewriteRule } from "../core/rewrite.ts";
import type { Verdict } from "../core/verdict.ts";
import type { RawBatch } from "./bson-walk.ts";
import type { DestinationDatabase } from "./database.ts";
import { type Candidate, idKeyOf, takeApart } from "./restore-candidate.ts";
import { findById } from "./restore-present.ts";
import { type RetryOptions, withRetries } from "./restore-retry.ts";
import type { Scan } from "./scan.ts";
import type { VerdictFile } from "./verdict-file.ts";
import { isExpired, type TtlIndex } from "./verify-expiry.ts";

export interface VerificationRequest extends RetryOptions {
  collection: string;
  /** What must be there, before the fix-ups. */
  batches: AsyncIterable<RawBatch>;
  destination: Pick<DestinationDatabase, "find">;
  rewrite: readonly RewriteRule[];
  /** The restore's verdicts; without them every document must be equal. */
  verdicts?: Pick<VerdictFile, "read"> | undefined;
  /** Finds most of what is equal without looking it up. */
  scan?: Scan | undefined;
  /** Documents that the destination deletes by itself may be gone. */
  ttl: readonly TtlIndex[];
  onMismatch(mismatch: Mismatch): Promise<void>;
  onBatch?: ((documents: number, bytes: number) => void) | undefined;
}

export interface Mismatch {
  collection: string;
  ordinal: number;
  /** Absent for a document that has none. */
  id: Buffer | undefined;
  what: "missing" | "differs" | "undecided";
}

export interface VerificationCounts {
  documents: number;
  equal: number;
  missing: number;
  differs: number;
  /** Without a verdict, though there should be one for each. */
  undecided: number;
  /** Gone, and due to be deleted by a TTL index of the destination. */
  expired: number;
  /** Known from the restore and not looked at. */
  conflict: number;
  rejected: number;
}

/** Reads the destination back and compares it byte for byte with what it must hold. */
export async function verifyDocuments(request: VerificationRequest): Promise<VerificationCounts> {
  const counts: VerificationCounts = {
    documents: 0,
    equal: 0,
    missing: 0,
    differs: 0,
    undecided: 0,
    expired: 0,
    conflict: 0,
    rejected: 0,
  };
  for await (const batch of request.batches) {
    request.signal.throwIfAborted();
    await verifyBatch(batch, request, counts);
    failpoint("verify.afterBatch");
    request.onBatch?.(batch.count, batch.data.length);
  }
  return counts;
}

async function verifyBatch(
  batch: RawBatch,
  request: VerificationRequest,
  counts: VerificationCounts,
): Promise<void> {
  const { collection, verdicts } = request;
  const first = counts.documents;
  counts.documents += batch.count;
  const known = await verdicts?.read(first, batch.count);
  const without = await request.scan?.equalIn(batch);
  if (without !== undefined) countEqual(without, known, counts);
  const { usable, unusable } = takeApart(batch, { first, rules: request.rewrite, without });
  const expected: Candidate[] = [];
  for (const document of [...unusable, ...usable]) {
    const { ordinal } = document;
    const id = "id" in document ? document.id : undefined;
    const verdict = known?.[ordinal - first];
    if (isSetAside(verdict)) counts[verdict]++;
    else if (known !== undefined && verdict === undefined) {
      counts.undecided++;
      await request.onMismatch({ collection, ordinal, id, what: "undecided" });
    } else if ("id" in document) expected.push(document);
    else {
      counts.missing++;
      await request.onMismatch({ collection, ordinal, id, what: "missing" });
    }
  }
  if (expected.length > 0) await compareWithDestination(expected, request, counts);
}

/** What the restore set aside, or did not come to, is told of by what is left to be looked at. */
function countEqual(
  equal: Uint8Array,
  known: readonly (Verdict | undefined)[] | undefined,
  counts: VerificationCounts,
) {
  for (const [index, seen] of equal.entries()) {
    if (seen === 0) continue;
    const verdict = known?.[index];
    const isToBeEqual = known === undefined || (verdict !== undefined && !isSetAside(verdict));
    if (isToBeEqual) counts.equal++;
    else equal[index] = 0;
  }
}

function isSetAside(verdict: Verdict | undefined): verdict is "conflict" | "rejected" {
  return verdict === "conflict" || verdict === "rejected";
}

async function compareWithDestination(
  expected: readonly Candidate[],
  request: VerificationRequest,
  counts: VerificationCounts,
): Promise<void> {
  const { collection } = request;
  const ids = expected.map(({ id }) => id);
  const found = await withRetries(collection, request, () => findById(request, ids));
  for (const { ordinal, id, bytes } of expected) {
    const present = found.get(idKeyOf(id));
    if (present?.equals(bytes)) counts.equal++;
    else if (present !== undefined) {
      counts.differs++;
      await request.onMismatch({ collection, ordinal, id, what: "differs" });
    } else if (request.ttl.some((index) => isExpired(bytes, index, request.clock.now()))) {
      counts.expired++;
    } else {
      counts.missing++;
      await request.onMismatch({ collection, ordinal, id, what: "missing" });
    }
  }
}
