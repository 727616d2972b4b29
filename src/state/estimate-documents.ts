import type { StepKind } from "../plan/steps.ts";
import { again, atRate, type Guess, type Known } from "./guess.ts";
import { countedIn, documentsOf, lastDone, rateOf, secondsOf } from "./last-pass.ts";
import { outcomeOf } from "./outcome.ts";

/** Documents each second, on the slow side of what was measured, for a pass that moved none. */
const assumedRates: Partial<Record<StepKind, number>> = {
  "db-compare": 40_000,
  "db-backup": 40_000,
  "db-restore": 25_000,
  "db-verify": 40_000,
  "references-verify": 20_000,
  "db-prune": 10_000,
};

/** The archive is checked as well before its documents are compared with those that are there. */
const comparingShare = 1.5;

/** What the last pass wrote is only compared by the next one, as a verification does. */
export function restoring(known: Known): Guess {
  const counts = Object.values(outcomeOf(known.item).documents);
  const written = counts.reduce((sum, one) => sum + one.migrated + one.updated, 0);
  const verified = lastDone(known.item, "db-verify");
  const isNew = written > 0 && written * 2 >= (documentsOf(known.item) ?? 0);
  if (!isNew || verified === undefined) return documents("db-restore", known);
  const seconds = secondsOf(verified) * comparingShare;
  return { seconds, basis: "what is there is compared, as in the verification" };
}

/** Only documents that name files are looked at. */
export function references(known: Known): Guess {
  const { collections } = known.plan.application;
  const count = countedIn(known.item, (name) => (collections[name]?.expects ?? []).length > 0);
  if (count === 0) return { seconds: 0, basis: "no document names a file" };
  const before = again("references-verify", known);
  return "unknown" in before ? assumed("references-verify", count) : before;
}

export function documents(kind: StepKind, known: Known): Guess {
  const count = documentsOf(known.item);
  const rates = known.measured.map((status) => rateOf(status, [kind], "documents"));
  const rate = rates.find(({ seconds }) => seconds > 0);
  if (count === undefined || rate === undefined) return assumed(kind, count);
  return atRate(count, rate, "documents");
}

function assumed(kind: StepKind, count: number | undefined): Guess {
  if (count === undefined) return { unknown: "the last pass did not count the documents" };
  const rate = assumedRates[kind] ?? 1;
  return { seconds: count / rate, basis: `${count} documents, assumed ${rate} each second` };
}
