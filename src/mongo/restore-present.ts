import type { DocumentRecord } from "../core/ledger.ts";
import type { Verdict } from "../core/verdict.ts";
import { documentsOf, rawId } from "./bson-walk.ts";
import { decide } from "./compare-document.ts";
import type { DestinationDatabase } from "./database.ts";
import { type Candidate, idKeyOf } from "./restore-candidate.ts";
import type { RestoreJob } from "./restore-job.ts";
import type { Outcomes } from "./restore-outcome.ts";
import { type Exchange, replaceAll } from "./restore-replace.ts";

/** One attempt at a batch. */
export interface Settling {
  job: RestoreJob;
  outcomes: Outcomes;
  /** An earlier attempt of this run may have written some of it. */
  mayBeOurs: boolean;
}

/** How often a document is compared again that another program keeps changing. */
const mostRounds = 3;

/**
 * Compares documents with what the destination holds under their ids, and settles all that are
 * there: kept, found identical, or replaced. Returns those that are not there.
 */
export async function settlePresent(
  candidates: readonly Candidate[],
  { job, outcomes, mayBeOurs }: Settling,
): Promise<Candidate[]> {
  let open = candidates;
  const absent: Candidate[] = [];
  for (let round = 1; open.length > 0; round++) {
    const settling = { job, outcomes, mayBeOurs: mayBeOurs || round > 1 };
    const exchanges = await compare(open, settling, absent);
    const moved = await replaceAll(exchanges, job, outcomes);
    if (round === mostRounds) markUnstable(moved, job, outcomes);
    open = round === mostRounds ? [] : moved;
  }
  return absent;
}

async function compare(
  candidates: readonly Candidate[],
  { job, outcomes, mayBeOurs }: Settling,
  absent: Candidate[],
): Promise<Exchange[]> {
  const { collection, destination, rules } = job;
  const ids = candidates.map(({ id }) => id);
  const found = await findById(job, ids);
  const records = await recordsOf(candidates, found, { job, mayBeOurs });
  job.counters.comparedBatches++;
  const exchanges: Exchange[] = [];
  const recovered: Outcomes = new Map();
  for (const candidate of candidates) {
    const present = found.get(idKeyOf(candidate.id));
    const record = records.get(candidate);
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

/** Whose an equal document is matters only where this run may have written it. */
async function recordsOf(
  candidates: readonly Candidate[],
  found: ReadonlyMap<string, Buffer>,
  { job, mayBeOurs }: Pick<Settling, "job" | "mayBeOurs">,
): Promise<Map<Candidate, DocumentRecord | undefined>> {
  const asked = candidates.filter(({ id, bytes }) => {
    const present = found.get(idKeyOf(id));
    return present !== undefined && (mayBeOurs || !present.equals(bytes));
  });
  if (asked.length === 0) return new Map();
  await job.ledger.prepareLookups();
  const records = job.ledger.get(
    job.collection,
    asked.map(({ id }) => id),
  );
  return new Map(asked.map((candidate, index) => [candidate, records[index]]));
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

function markUnstable(moved: readonly Candidate[], { rules }: RestoreJob, outcomes: Outcomes) {
  for (const { ordinal } of moved) {
    const conflict = { reason: "content", policy: rules.policy } as const;
    outcomes.set(ordinal, { verdict: "conflict", conflict });
  }
}
