import { MigrationError } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import type { RewriteRule } from "../core/rewrite.ts";
import type { Verdict, VerdictCounts } from "../core/verdict.ts";
import type { RawBatch } from "./bson-walk.ts";
import { restoreBatch, type There } from "./restore-batch.ts";
import { type Candidates, takeApart } from "./restore-candidate.ts";
import type { Finding, Findings } from "./restore-findings.ts";
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
  let seen = 0;
  try {
    for await (const batch of load.batches) {
      if (signal.aborted) break;
      const equal = await load.scan?.equalIn(batch);
      const portion = { batch, first: seen, equal };
      seen += batch.count;
      await flights.start(batch.data.length, () => restoreOne(portion, load));
    }
  } finally {
    await flights.land();
  }
  flights.check();
  if (!signal.aborted) return seen;
  await load.verdicts.sync();
  throw new MigrationError("E_INTERRUPTED", `Stopped within collection "${load.job.collection}"`, {
    hint: "Run the same command again: it goes on where it stopped",
  });
}

/** The bytes of all batches in flight, for memory; a larger one flies alone. */
const mostBytesInFlight = 9 * 1024 * 1024;

/** A few works at a time; after the first failure no further one starts. */
function makeFlights(most: number) {
  const running = new Set<Promise<void>>();
  let bytesInFlight = 0;
  const errors: unknown[] = [];
  function check() {
    if (errors.length > 0) throw errors[0];
  }
  return {
    check,
    async start(bytes: number, work: () => Promise<void>) {
      const isFull = () => running.size >= most || bytesInFlight + bytes > mostBytesInFlight;
      while (running.size > 0 && isFull()) await Promise.race(running);
      check();
      bytesInFlight += bytes;
      const flight = work()
        .catch((error: unknown) => {
          errors.push(error);
        })
        .finally(() => {
          running.delete(flight);
          bytesInFlight -= bytes;
        });
      running.add(flight);
    },
    land: () => Promise.all(running),
  };
}

/** A batch of the archive. */
interface Portion {
  batch: RawBatch;
  /** The ordinal of its first document. */
  first: number;
  /** Not 0 for each document that the destination was seen to hold as it is. */
  equal: Uint8Array | undefined;
}

async function restoreOne(portion: Portion, load: CollectionLoad): Promise<void> {
  const { batch, first, equal } = portion;
  const { job, verdicts, findings } = load;
  failpoint("restore.beforeBatch");
  const before = await verdicts.read(first, batch.count);
  if (before.includes(undefined)) {
    const without = Uint8Array.from(before, (verdict, index) =>
      verdict !== undefined || equal?.[index] === 1 ? 1 : 0,
    );
    const candidates = takeApart(batch, { first, rules: load.rewrite, without });
    const outcomes = await restoreBatch(candidates, load.there, job);
    const noted = findingsOf(outcomes, candidates);
    // The lists first: a document with a verdict is never looked at again.
    if (noted.length > 0) await findings.add(job.collection, noted);
    await verdicts.write(first, merge(before, outcomes, portion));
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

function merge(
  before: readonly (Verdict | undefined)[],
  outcomes: Outcomes,
  { first, equal }: Portion,
): (Verdict | undefined)[] {
  return before.map((verdict, index) => {
    if (verdict !== undefined) return verdict;
    return equal?.[index] === 1 ? "identical" : outcomes.get(first + index)?.verdict;
  });
}
