import { insertAbsent } from "./restore-absent.ts";
import type { Candidates } from "./restore-candidate.ts";
import type { RestoreJob } from "./restore-job.ts";
import type { Outcomes } from "./restore-outcome.ts";
import { settlePresent } from "./restore-present.ts";
import { withRetries } from "./restore-retry.ts";

/**
 * What of a collection may be at the destination: what this run wrote, or only that of others.
 * Where it is nothing, the ledger has all documents as new before they come here.
 */
export type There = "nothing" | "others" | "ours";

/**
 * Brings one batch to an end: every document of it has an outcome, and what was written is durable.
 * Where nothing of the collection can be at the destination the first attempt inserts without
 * looking. Every further attempt looks first, as the outcome of a failed one is unknown.
 */
export async function restoreBatch(
  { usable, unusable }: Candidates,
  there: There,
  job: RestoreJob,
): Promise<Outcomes> {
  const outcomes: Outcomes = new Map();
  for (const { ordinal, bytes, reason } of unusable) {
    outcomes.set(ordinal, { verdict: "rejected", reject: { reason, bytes } });
  }
  if (usable.length === 0) return outcomes;
  let now = there;
  await withRetries(job.collection, job.retry, async () => {
    const [mayBeThere, mayBeOurs] = [now !== "nothing", now === "ours"];
    const intended = now === "nothing";
    now = "ours";
    const open = usable.filter(({ ordinal }) => !outcomes.has(ordinal));
    const absent = mayBeThere ? await settlePresent(open, { job, outcomes, mayBeOurs }) : open;
    const insertion = { job, outcomes, mayBeOurs, intended };
    if (absent.length > 0) await insertAbsent(absent, insertion);
  });
  return outcomes;
}
