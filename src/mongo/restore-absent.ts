import { codeOf } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import { classifyCommandError, classifyFailure, destinationError } from "./classify.ts";
import type { WriteFailure } from "./database.ts";
import type { Candidate } from "./restore-candidate.ts";
import { findClash } from "./restore-clash.ts";
import type { RestoreJob } from "./restore-job.ts";
import { type Outcome, reject } from "./restore-outcome.ts";
import { type Settling, settlePresent } from "./restore-present.ts";
import { serverError, TransientWriteError } from "./restore-retry.ts";

interface Refusal {
  candidate: Candidate;
  failure: WriteFailure;
}

interface Insertion extends Settling {
  /** The ledger has all of it as new documents of this run. */
  intended: boolean;
}

/**
 * Inserts documents that are not at the destination. A document that came to be there meanwhile is
 * compared after all.
 */
export async function insertAbsent(absent: readonly Candidate[], insertion: Insertion) {
  const { job, outcomes } = insertion;
  if (!insertion.intended) intend(absent, job);
  await job.guard();
  const refusals = await insertNarrowing(absent, job);
  const refused = new Set(refusals.map(({ candidate }) => candidate.ordinal));
  for (const { ordinal } of absent) {
    if (!refused.has(ordinal)) outcomes.set(ordinal, migrated);
  }
  const refusesAll = refusals.length === absent.length;
  if (refusals.length > 0) await judge(refusals, refusesAll, insertion);
}

/** One for all: there are millions of them. */
const migrated: Outcome = { verdict: "migrated" };

/** Records that these are about to be written, where they are not yet. */
export function intend(absent: readonly Candidate[], { collection, ledger, rules }: RestoreJob) {
  ledger.intendNew(collection, rules.run, absent);
  failpoint("restore.afterIntend");
}

/**
 * Sends all at once; when the command as a whole is refused because of one of its documents, each
 * half by itself, down to that document.
 */
async function insertNarrowing(batch: readonly Candidate[], job: RestoreJob): Promise<Refusal[]> {
  const { collection, destination } = job;
  try {
    const data = joined(batch);
    const { failures } = await destination.insert(collection, { data, count: batch.length });
    failpoint("restore.afterInsert");
    countInsert(batch.length, job);
    return failures.flatMap((failure) => {
      const candidate = batch[failure.index];
      return candidate === undefined ? [] : [{ candidate, failure }];
    });
  } catch (error) {
    if (classifyCommandError(error) !== "narrow") throw error;
    return narrow(batch, job, error);
  }
}

/** Documents that still lie side by side, as in the archive, are not copied. */
function joined(batch: readonly Candidate[]): Buffer {
  const [first] = batch;
  if (first === undefined) return Buffer.alloc(0);
  let end = first.start;
  for (const candidate of batch) {
    if (candidate.data !== first.data || candidate.start !== end) {
      return Buffer.concat(batch.map(({ bytes }) => bytes));
    }
    end = candidate.end;
  }
  return first.data.subarray(first.start, end);
}

async function narrow(
  batch: readonly Candidate[],
  job: RestoreJob,
  error: unknown,
): Promise<Refusal[]> {
  const [only] = batch;
  if (batch.length === 1 && only !== undefined) {
    job.counters.singleDocuments++;
    job.narrowed = true;
    const code = codeOf(error);
    const message = error instanceof Error ? error.message : String(error);
    const failure = { index: 0, code: typeof code === "number" ? code : 0, message };
    return [{ candidate: only, failure }];
  }
  job.counters.bisections++;
  const middle = Math.ceil(batch.length / 2);
  const left = await insertNarrowing(batch.slice(0, middle), job);
  const right = await insertNarrowing(batch.slice(middle), job);
  return [...left, ...right];
}

function countInsert(documents: number, job: RestoreJob) {
  if (documents === 1) {
    job.counters.singleDocuments++;
    return;
  }
  job.counters.bulkInserts++;
  if (job.narrowed) job.counters.returnsToBulk++;
  job.narrowed = false;
}

/**
 * What a code says of neither document nor server is held against the document only where others
 * of its batch were taken: otherwise it is the server that takes none.
 */
async function judge(
  refusals: readonly Refusal[],
  refusesAll: boolean,
  { job, outcomes, mayBeOurs }: Settling,
) {
  const { collection, ledger } = job;
  await ledger.prepareLookups();
  const duplicates: Refusal[] = [];
  let passing: WriteFailure | undefined;
  let unknown: WriteFailure | undefined;
  for (const refusal of refusals) {
    const { candidate, failure } = refusal;
    const kind = classifyFailure(failure);
    if (kind === "fatal") throw destinationError(collection, serverError(failure));
    if (kind === "transient") passing = failure;
    else if (kind === "unknown" && refusesAll) unknown = failure;
    else if (kind === "duplicate-id" || kind === "duplicate-key") duplicates.push(refusal);
    else {
      ledger.forget(collection, [candidate.id]);
      outcomes.set(candidate.ordinal, reject(candidate, failure.code, failure.message));
    }
  }
  if (duplicates.length > 0) await judgeDuplicates(duplicates, { job, outcomes, mayBeOurs });
  if (passing !== undefined) throw new TransientWriteError(passing.code, passing.message);
  if (unknown !== undefined) throw destinationError(collection, serverError(unknown));
}

/**
 * A clash does not say with what: the document of the same id is compared, and where there is none
 * it was another unique index, or an id that only the server holds for equal.
 */
async function judgeDuplicates(duplicates: readonly Refusal[], insertion: Settling) {
  const { job, outcomes, mayBeOurs } = insertion;
  const candidates = duplicates.map(({ candidate }) => candidate);
  const ids = candidates.map(({ id }) => id);
  // Otherwise an equal document of somebody else would count as written by us.
  if (!mayBeOurs) job.ledger.forget(job.collection, ids);
  const elsewhere = new Set(await settlePresent(candidates, insertion));
  for (const { candidate, failure } of duplicates) {
    if (!elsewhere.has(candidate)) continue;
    job.ledger.forget(job.collection, [candidate.id]);
    outcomes.set(candidate.ordinal, await findClash(candidate, failure, job));
  }
}
