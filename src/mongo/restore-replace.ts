import { codeOf } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import type { DocumentRecord } from "../core/ledger.ts";
import { classifyFailure, destinationError } from "./classify.ts";
import type { WriteFailure } from "./database.ts";
import { type Candidate, sha256 } from "./restore-candidate.ts";
import { findClash } from "./restore-clash.ts";
import type { RestoreJob } from "./restore-job.ts";
import { type Outcomes, reject } from "./restore-outcome.ts";
import { serverError, TransientWriteError } from "./restore-retry.ts";

/** A document of the destination that another one is to take the place of. */
export interface Exchange {
  candidate: Candidate;
  present: Buffer;
  overwrites: boolean;
  record: DocumentRecord | undefined;
}

const parallelReplacements = 8;

/** Returns the candidates whose place changed between the comparison and the replacement. */
export async function replaceAll(
  exchanges: readonly Exchange[],
  job: RestoreJob,
  outcomes: Outcomes,
): Promise<Candidate[]> {
  if (exchanges.length === 0) return [];
  await announce(exchanges, job);
  await job.guard();
  const moved: Candidate[] = [];
  const unknown: Refusal[] = [];
  let taken = 0;
  const queue = exchanges.values();
  const worker = async () => {
    for (const exchange of queue) {
      const end = await replaceOne(exchange, job, outcomes);
      if (end === "replaced") taken++;
      else if (end === "moved") moved.push(exchange.candidate);
      else if (end !== "judged") unknown.push({ exchange, failure: end });
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: parallelReplacements }, worker));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  for (const { exchange, failure } of unknown) {
    if (taken === 0) throw destinationError(job.collection, serverError(failure));
    const { candidate } = exchange;
    takeBack(exchange, job);
    outcomes.set(candidate.ordinal, reject(candidate, failure.code, failure.message));
  }
  return moved;
}

interface Refusal {
  exchange: Exchange;
  failure: WriteFailure;
}

/**
 * Records what is about to happen. A document that is not ours never gets into the ledger: it must
 * not count as ours if the replacement does not come to pass.
 */
async function announce(exchanges: readonly Exchange[], job: RestoreJob): Promise<void> {
  const { collection, ledger, rules } = job;
  const foreign = exchanges.filter(({ overwrites }) => overwrites);
  if (foreign.length > 0) {
    await job.saveBefore(foreign.map(({ candidate, present }) => ({ candidate, bytes: present })));
  }
  ledger.intend(
    collection,
    rules.run,
    exchanges.map(({ candidate: { id, hash }, present, overwrites }) => {
      return { id, hash, destination: sha256(present), overwrites };
    }),
  );
}

/** How it ended; the failure itself where its code tells nothing of the document. */
async function replaceOne(
  exchange: Exchange,
  job: RestoreJob,
  outcomes: Outcomes,
): Promise<"replaced" | "judged" | "moved" | WriteFailure> {
  const { collection, destination, counters } = job;
  const { candidate, present } = exchange;
  try {
    failpoint("restore.beforeReplace");
    const replaced = await destination.replace(collection, present, candidate.bytes);
    failpoint("restore.afterReplace");
    if (!replaced) takeBack(exchange, job);
    else outcomes.set(candidate.ordinal, { verdict: "updated" });
    counters.replacements += replaced ? 1 : 0;
    return replaced ? "replaced" : "moved";
  } catch (error) {
    const failure = toWriteFailure(error);
    if (failure === undefined) throw error;
    const kind = classifyFailure(failure);
    if (kind === "fatal") throw destinationError(collection, error);
    if (kind === "transient") throw new TransientWriteError(failure.code, failure.message);
    if (kind === "unknown") return failure;
    takeBack(exchange, job);
    const outcome =
      kind === "rejected"
        ? reject(candidate, failure.code, failure.message)
        : await findClash(candidate, failure, job);
    outcomes.set(candidate.ordinal, outcome);
    return "judged";
  }
}

/** Only an answer of the server judges the document; anything else is for the retries. */
function toWriteFailure(error: unknown): WriteFailure | undefined {
  const code = error instanceof DOMException ? undefined : codeOf(error);
  if (typeof code !== "number" || !(error instanceof Error)) return undefined;
  const pattern = "keyPattern" in error ? error.keyPattern : undefined;
  const known = typeof pattern === "object" && pattern !== null ? { keyPattern: pattern } : {};
  return { index: 0, code, message: error.message, ...known };
}

/** The ledger knows again what it knew before the intent. */
function takeBack(
  { candidate: { id }, present, overwrites, record }: Exchange,
  { collection, ledger }: RestoreJob,
) {
  if (record === undefined) return ledger.forget(collection, [id]);
  const hash = overwrites ? record.hash : sha256(present);
  ledger.revert(collection, record.run, [{ id, hash }]);
}
