import { MigrationError } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import type { RewriteRule } from "../core/rewrite.ts";
import type { Verdict, VerdictCounts } from "../core/verdict.ts";
import type { RawBatch } from "./bson-walk.ts";
import { intend } from "./restore-absent.ts";
import { restoreBatch, type There } from "./restore-batch.ts";
import { type Candidates, takeApart } from "./restore-candidate.ts";
import type { Finding, Findings } from "./restore-findings.ts";
import { makeFlights } from "./restore-flights.ts";
import type { RestoreJob } from "./restore-job.ts";
import type { Outcomes } from "./restore-outcome.ts";
import type { Scan } from "./scan.ts";
import type { VerdictFile } from "./verdict-file.ts";

export interface CollectionLoad {
  job: RestoreJob;
  /** The documents in the archive's order, in batches that a server takes. */
  batches: AsyncIterable<RawBatch>;
  /** How many there must be. */
  documents: number;
  rewrite: readonly RewriteRule[];
  verdicts: VerdictFile;
  findings: Findings;
  /** What can be at the destination when it begins. */
  there: There;
  /** Finds most of what is there already without looking it up. */
  scan: Scan | undefined;
  /** Batches in flight. */
  parallel: number;
  onBatch(documents: number, bytes: number): void;
}

/**
 * Brings every document of one collection that has no verdict yet to one. On an abort or error what
 * is in flight is brought to its end first.
 */
export async function loadCollection(load: CollectionLoad): Promise<VerdictCounts> {
  const { job, verdicts } = load;
  const seen = await runBatches(load);
  failpoint("restore.beforeCheckpoint");
  await verdicts.sync();
  failpoint("restore.afterCheckpoint");
  const { counts, undecided } = await verdicts.tally();
  if (seen === load.documents && undecided === 0) return counts;
  throw new MigrationError(
    "E_INTEGRITY",
    `Collection "${job.collection}" has ${seen} documents in the archive and ${undecided} without a ` +
      `verdict, expected ${load.documents} and 0`,
    { hint: "Run again; if that gives the same, make the backup again" },
  );
}

async function runBatches(load: CollectionLoad): Promise<number> {
  const { signal } = load.job.retry;
  const flights = makeFlights(load.parallel);
  const seen = { documents: 0 };
  try {
    for await (const group of groupsOf(load, seen)) {
      if (load.there === "nothing") intendGroup(group, load.job);
      for (const portion of group) {
        if (signal.aborted) break;
        await flights.start(portion.batch.data.length, () => restoreOne(portion, load));
      }
      if (signal.aborted) break;
    }
  } finally {
    await flights.land();
  }
  flights.check();
  if (!signal.aborted) return seen.documents;
  await load.verdicts.sync();
  throw new MigrationError("E_INTERRUPTED", `Stopped within collection "${load.job.collection}"`, {
    hint: "Run the same command again: it goes on where it stopped",
  });
}

/** A batch of the archive. */
interface Portion {
  batch: RawBatch;
  /** The ordinal of its first document. */
  first: number;
  /** What an earlier attempt came to. */
  before: readonly (Verdict | undefined)[];
  /** Not 0 for each document that the destination was seen to hold as it is. */
  equal: Uint8Array | undefined;
  /** What is still to be brought to a verdict. */
  candidates: Candidates;
}

/** The documents that are recorded in the ledger at once: each time waits for the disk. */
const mostOfGroup = { documents: 10_000, bytes: 6 * 1024 * 1024 };

/** Several batches together where nothing has to be looked up; counts what has come. */
async function* groupsOf(
  load: CollectionLoad,
  seen: { documents: number },
): AsyncGenerator<Portion[]> {
  let group: Portion[] = [];
  const sum = { documents: 0, bytes: 0 };
  for await (const batch of load.batches) {
    const first = seen.documents;
    seen.documents += batch.count;
    sum.documents += batch.count;
    sum.bytes += batch.data.length;
    group.push(await takePortion(batch, first, load));
    const isFull = sum.documents >= mostOfGroup.documents || sum.bytes >= mostOfGroup.bytes;
    if (load.there === "nothing" && !isFull) continue;
    yield group;
    group = [];
    sum.documents = 0;
    sum.bytes = 0;
  }
  if (group.length > 0) yield group;
}

async function takePortion(
  batch: RawBatch,
  first: number,
  { scan, verdicts, rewrite }: CollectionLoad,
): Promise<Portion> {
  const equal = await scan?.equalIn(batch);
  const before = await verdicts.read(first, batch.count);
  const without = Uint8Array.from(before, (verdict, index) =>
    verdict !== undefined || equal?.[index] === 1 ? 1 : 0,
  );
  return {
    batch,
    first,
    before,
    equal,
    candidates: takeApart(batch, { first, rules: rewrite, without }),
  };
}

/** The first attempt at each of these inserts all of them. */
function intendGroup(group: readonly Portion[], job: RestoreJob) {
  const documents = group.flatMap(({ candidates }) => candidates.usable);
  if (documents.length > 0) intend(documents, job);
}

async function restoreOne(portion: Portion, load: CollectionLoad): Promise<void> {
  const { batch, first, before, candidates } = portion;
  const { job, verdicts, findings } = load;
  failpoint("restore.beforeBatch");
  if (before.includes(undefined)) {
    const outcomes = await restoreBatch(candidates, load.there, job);
    const noted = findingsOf(outcomes, candidates);
    // The lists first: a document with a verdict is never looked at again.
    if (noted.length > 0) await findings.add(job.collection, noted);
    await verdicts.write(first, merge(outcomes, portion));
    findings.settle(job.collection, outcomes.keys());
  }
  failpoint("restore.afterBatch");
  load.onBatch(batch.count, batch.data.length);
}

function findingsOf(outcomes: Outcomes, { usable }: Candidates): Finding[] {
  const noted = [...outcomes].filter(([, { conflict, reject }]) => conflict ?? reject);
  if (noted.length === 0) return [];
  const ids = new Map(usable.map(({ ordinal, id }) => [ordinal, id]));
  return noted
    .sort(([a], [b]) => a - b)
    .map(([ordinal, outcome]) => ({ ordinal, id: ids.get(ordinal), outcome }));
}

function merge(outcomes: Outcomes, { before, first, equal }: Portion): (Verdict | undefined)[] {
  return before.map((verdict, index) => {
    if (verdict !== undefined) return verdict;
    return equal?.[index] === 1 ? "identical" : outcomes.get(first + index)?.verdict;
  });
}
