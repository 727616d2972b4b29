import type { Plan, Step } from "../plan/plan.ts";
import { scopeText } from "../plan/scope.ts";
import type { StepKind } from "../plan/steps.ts";
import { documents, references, restoring } from "./estimate-documents.ts";
import { again, atRate, type Guess, type Guessed, type Known } from "./guess.ts";
import { bytesLeft, rateOf, toldBy } from "./last-pass.ts";
import type { Status } from "./status.ts";

interface EstimatePart extends Guessed {
  /** "server", "user:jane". */
  scope: string;
  step: string;
}

/** How long a cut-over takes, as far as the last pass tells. */
export interface CutOverEstimate {
  /** Undefined where any part is unknown. */
  seconds: number | undefined;
  /** What of it the files take, and the documents; some of these may run at the same time. */
  files: number;
  documents: number;
  parts: EstimatePart[];
  /** Why there is no number for the rest. */
  unknown: string[];
}

/**
 * Estimates a plan's run from the status of the last pass over the same items. What changed at the
 * source since that pass is not known and not in it. What it did not do is estimated by the newest
 * of `earlier` that did, else by what is usual.
 */
export function estimateCutOver(
  lastPass: Status | undefined,
  plan: Plan,
  earlier: readonly Status[] = [],
): CutOverEstimate {
  const parts: EstimatePart[] = [];
  const unknown: string[] = [];
  let sum = 0;
  const measured = [...(lastPass === undefined ? [] : [lastPass]), ...earlier];
  if (lastPass === undefined) unknown.push("nothing of it was moved before");
  for (const { id, scope, steps } of lastPass === undefined ? [] : plan.items) {
    const item = lastPass?.items.find((one) => one.id === id);
    if (lastPass === undefined || item === undefined) {
      unknown.push(`the last pass did not have "${scopeText(scope)}"`);
      continue;
    }
    const known = new Map<string, number>();
    for (const step of steps) {
      const guess = estimators[step.kind](step, { plan, pass: lastPass, item, measured });
      if ("unknown" in guess) unknown.push(`${step.id} of "${scopeText(scope)}": ${guess.unknown}`);
      else {
        parts.push({ scope: scopeText(scope), step: step.id, ...guess });
        known.set(step.id, guess.seconds);
      }
    }
    sum += longestPath(steps, known);
  }
  const of = (isMeant: (step: string) => boolean) =>
    parts.reduce((total, { step, seconds }) => total + (isMeant(step) ? seconds : 0), 0);
  return {
    seconds: unknown.length > 0 ? undefined : sum,
    ...{ files: of(isOfFiles), documents: of((step) => !isOfFiles(step)) },
    ...{ parts, unknown },
  };
}

/** Preflight and the lists of what there is come before the files. */
function isOfFiles(step: string): boolean {
  return /^(preflight|inventory|files-)/.test(step);
}

/** Steps that run at the same time take as long as the longest chain of those that wait. */
function longestPath(steps: readonly Step[], seconds: ReadonlyMap<string, number>): number {
  const end = new Map<string, number>();
  const latest = (ids: readonly string[]) => Math.max(0, ...ids.map((id) => end.get(id) ?? 0));
  for (const { id, after, beside } of steps) {
    const alone = latest(after) + (seconds.get(id) ?? 0);
    // What one step hands to the one beside it comes until its very end.
    end.set(id, beside === undefined ? alone : Math.max(alone, end.get(beside) ?? 0));
  }
  return latest([...end.keys()]);
}

const estimators: Record<StepKind, (step: Step, known: Known) => Guess> = {
  preflight: (_, known) => again("preflight", known, briefSeconds),
  inventory: (_, known) => again("inventory", known),
  "files-compare": (_, known) => again("files-compare", known),
  "files-sync": (step, known) => send(step, "files-sync", known),
  "files-tar": (step, known) => send(step, "files-tar", known),
  "files-verify": (_, known) => verifyFiles(known),
  "db-compare": (_, known) => documents("db-compare", known),
  "db-backup": (_, known) => documents("db-backup", known),
  "db-restore": (_, known) => restoring(known),
  "db-verify": (_, known) => documents("db-verify", known),
  "references-verify": (_, known) => references(known),
  "db-prune": (_, known) => documents("db-prune", known),
  "files-prune": (_, known) => again("files-compare", known),
  after: (_, known) => again("after", known, briefSeconds),
};

const briefSeconds = 5;

function send({ pass }: Step, kind: "files-sync" | "files-tar", known: Known): Guess {
  if (pass !== undefined && pass > 1) {
    return { seconds: 0, basis: "nothing changes after the first pass" };
  }
  const left = bytesLeft(known.item, kind);
  if (left === undefined) return { unknown: "how much is left to send is not known" };
  if (left === 0) return { seconds: 0, basis: "all was sent by the last pass" };
  return atRate(left, sendingRate(known), "bytes are left to send");
}

function sendingRate({ pass }: Known) {
  return rateOf(pass, ["files-sync", "files-tar"], "bytesSent");
}

/** Each entry is looked at on both sides, as in a comparison; some are read as well. */
function verifyFiles(known: Known): Guess {
  const looking = again("files-compare", known);
  if ("unknown" in looking) return looking;
  const bytes = bytesToHash(known);
  if (bytes === undefined) return { unknown: "how much is to be hashed is not known" };
  if (bytes === 0) return { ...looking, basis: "as long as the comparison" };
  const hashing = rateOf(known.pass, ["files-verify"], "hashedBytes");
  const rate = hashing.seconds > 0 ? hashing : sendingRate(known);
  const guess = atRate(bytes, rate, "bytes are to be hashed");
  return "unknown" in guess ? guess : { ...guess, seconds: guess.seconds + looking.seconds };
}

function bytesToHash({ plan, item }: Known): number | undefined {
  const mode = plan.options.verify;
  if (mode === "none") return 0;
  const left = ["files-sync", "files-tar"].map((kind) => bytesLeft(item, kind as "files-sync"));
  const written = left.every((one) => one !== undefined)
    ? left.reduce((sum, one) => sum + one, 0)
    : undefined;
  if (mode === "written") return written;
  const all = toldBy(item, "inventory", "files", "bytes");
  if (all === undefined || mode === "full") return all;
  return Math.max(written ?? 0, Math.round(all * mode.sample));
}
