import { codeOf } from "../core/errors.ts";
import type { DocumentRecord } from "../core/ledger.ts";
import type { Verdict } from "../core/verdict.ts";
import { documentsOf, rawId } from "./bson-walk.ts";
import { classifyFailure, destinationError } from "./classify.ts";
import { decide } from "./compare-document.ts";
import type { DestinationDatabase, WriteFailure } from "./database.ts";
import { type Candidate, idKeyOf, sha256 } from "./restore-candidate.ts";
import { findClash } from "./restore-clash.ts";
import type { RestoreJob } from "./restore-job.ts";
import { type Outcomes, reject } from "./restore-outcome.ts";
import { TransientWriteError } from "./restore-retry.ts";

/** A document of the destination that another one is to take the place of. */
interface Exchange {
  candidate: Candidate;
  present: Buffer;
  overwrites: boolean;
  record: DocumentRecord | undefined;
}

/** How often a document is compared again that another program keeps changing. */
const mostRounds = 3;
const parallelReplacements = 8;

/**
 * Compares documents with what the destination holds under their ids, and settles all that are
 * there: kept, found identical, or replaced. Returns those that are not there.
 */
export async function settlePresent(
  candidates: readonly Candidate[],
  job: RestoreJob,
  outcomes: Outcomes,
): Promise<Candidate[]> {
  let open = candidates;
  const absent: Candidate[] = [];
  for (let round = 1; open.length > 0; round++) {
    const exchanges = await compare(open, job, { outcomes, absent });
    const moved = await replaceAll(exchanges, job, outcomes);
    if (round === mostRounds) markUnstable(moved, job, outcomes);
    open = round === mostRounds ? [] : moved;
  }
  return absent;
}

async function compare(
  candidates: readonly Candidate[],
  job: RestoreJob,
  { outcomes, absent }: { outcomes: Outcomes; absent: Candidate[] },
): Promise<Exchange[]> {
  const { collection, destination, ledger, rules } = job;
  const ids = candidates.map(({ id }) => id);
  const records = ledger.get(collection, ids);
  const found = await findById(job, ids);
  job.counters.comparedBatches++;
  const exchanges: Exchange[] = [];
  const recovered: Outcomes = new Map();
  for (const [index, candidate] of candidates.entries()) {
    const present = found.get(idKeyOf(candidate.id));
    const record = records[index];
    const decision = decide({ source: candidate, destination: present, record }, rules);
    if (decision.action === "none") {
      const settled = decision.verdict === "identical" ? outcomes : recovered;
      settled.set(candidate.ordinal, { verdict: verdictOf(decision.verdict, candidate, job) });
    } else if (decision.action === "keep") {
      const conflict = { reason: decision.reason, policy: rules.policy };
      outcomes.set(candidate.ordinal, { verdict: "conflict", conflict });
    } else if (decision.action === "insert" || present === undefined) {
      absent.push(candidate);
    } else {
      exchanges.push({ candidate, present, overwrites: decision.overwrites, record });
    }
  }
  // Written by this run, but the acknowledgement was lost: it may not be durable yet.
  if (recovered.size > 0) await destination.flush(collection);
  for (const [ordinal, outcome] of recovered) outcomes.set(ordinal, outcome);
  return exchanges;
}

/** What overwrote somebody else's document is an update, which the ledger cannot tell. */
function verdictOf(verdict: Verdict, candidate: Candidate, job: RestoreJob): Verdict {
  return verdict === "migrated" && job.isOverwritten(candidate) ? "updated" : verdict;
}

interface Place {
  collection: string;
  destination: Pick<DestinationDatabase, "find">;
}

/** The destination's documents under exactly these ids. */
export async function findById(
  { collection, destination }: Place,
  ids: readonly Buffer[],
): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (const document of documentsOf(await destination.find(collection, ids))) {
    found.set(idKeyOf(rawId(document)), document);
  }
  return found;
}

/** Returns the candidates whose place changed between the comparison and the replacement. */
async function replaceAll(
  exchanges: readonly Exchange[],
  job: RestoreJob,
  outcomes: Outcomes,
): Promise<Candidate[]> {
  if (exchanges.length === 0) return [];
  await announce(exchanges, job);
  const moved: Candidate[] = [];
  const queue = exchanges.values();
  const worker = async () => {
    for (const exchange of queue) {
      if (!(await replaceOne(exchange, job, outcomes))) moved.push(exchange.candidate);
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: parallelReplacements }, worker));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return moved;
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
    exchanges.map(({ candidate: { id, hash }, present }) => {
      return { id, hash, destination: sha256(present) };
    }),
  );
}

async function replaceOne(
  exchange: Exchange,
  job: RestoreJob,
  outcomes: Outcomes,
): Promise<boolean> {
  const { collection, destination, counters } = job;
  const { candidate, present } = exchange;
  try {
    const replaced = await destination.replace(collection, present, candidate.bytes);
    if (!replaced) takeBack(exchange, job);
    else outcomes.set(candidate.ordinal, { verdict: "updated" });
    counters.replacements += replaced ? 1 : 0;
    return replaced;
  } catch (error) {
    const failure = toWriteFailure(error);
    if (failure === undefined) throw error;
    const kind = classifyFailure(failure);
    if (kind === "fatal") throw destinationError(collection, error);
    if (kind === "transient") throw new TransientWriteError(failure.code, failure.message);
    takeBack(exchange, job);
    const outcome =
      kind === "rejected"
        ? reject(candidate, failure.code, failure.message)
        : await findClash(candidate, failure, job);
    outcomes.set(candidate.ordinal, outcome);
    return true;
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
  ledger.forget(collection, [id]);
  if (record === undefined) return;
  const hash = overwrites ? record.hash : sha256(present);
  ledger.intend(collection, record.run, [{ id, hash }]);
}

function markUnstable(moved: readonly Candidate[], { rules }: RestoreJob, outcomes: Outcomes) {
  for (const { ordinal } of moved) {
    const conflict = { reason: "content", policy: rules.policy } as const;
    outcomes.set(ordinal, { verdict: "conflict", conflict });
  }
}
