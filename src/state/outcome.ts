import { type ErrorCode, type ExitCode, errorCodes, exitCodes } from "../core/errors.ts";
import { noVerdicts, type VerdictCounts, verdicts } from "../core/verdict.ts";
import type { ItemStatus, StepStatus } from "./status.ts";

/** What became of an item's documents and files, as far as its steps came. */
export interface Outcome {
  documents: Record<string, VerdictCounts>;
  files: VerdictCounts | undefined;
  /** Whether something is left that somebody should look at. */
  hasFindings: boolean;
}

const filesKinds = ["files-compare", "files-sync", "files-tar", "files-verify"];

/** Reads the outcome of an item from the outputs of its steps. */
export function outcomeOf(item: ItemStatus): Outcome {
  const documents = documentVerdicts(lastDone(item, ["db-restore"]));
  const files = countsOf(fieldOf(lastDone(item, filesKinds)?.output, "verdicts"));
  const counts = [...Object.values(documents), ...(files ? [files] : [])];
  const open = counts.some(({ conflict, rejected, missing }) => conflict + rejected + missing > 0);
  return { documents, files, hasFindings: open || item.steps.some(hasOtherFindings) };
}

/** Counts of an output, beside the verdicts, that mean that something was left out. */
function hasOtherFindings({ kind, output }: StepStatus): boolean {
  const names: Record<string, string[]> = {
    inventory: ["unsafe"],
    "files-verify": ["changedSince"],
    "references-verify": ["unsafe"],
    "db-prune": ["kept"],
    "files-prune": ["kept"],
  };
  return (names[kind] ?? []).some((name) => {
    const value = fieldOf(output, name);
    return Number(fieldOf(value, "count") ?? value ?? 0) > 0;
  });
}

function lastDone(item: ItemStatus, kinds: readonly string[]): StepStatus | undefined {
  return item.steps.findLast(
    ({ kind, state, output }) =>
      kinds.includes(kind) && state === "done" && fieldOf(output, "verdicts") !== undefined,
  );
}

function documentVerdicts(step: StepStatus | undefined): Record<string, VerdictCounts> {
  const byCollection = fieldOf(step?.output, "verdicts");
  const result: Record<string, VerdictCounts> = {};
  if (!isRecord(byCollection)) return result;
  for (const [name, value] of Object.entries(byCollection)) {
    const counts = countsOf(value);
    if (counts) result[name] = counts;
  }
  return result;
}

function countsOf(value: unknown): VerdictCounts | undefined {
  if (!isRecord(value)) return undefined;
  const counts = noVerdicts();
  for (const verdict of verdicts) counts[verdict] = Number(value[verdict] ?? 0);
  return counts;
}

export function fieldOf(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The exit code of a run that came to its end: that of the first failure, 3 with findings, or 0. */
export function exitCodeOf(items: readonly ItemStatus[]): ExitCode {
  for (const { steps } of items) {
    const code = steps.find(({ error }) => error !== undefined)?.error?.code;
    if (code !== undefined) return exitOf(code);
  }
  // Without an error something is open all the same: that is no success.
  if (items.some(({ state }) => state !== "done")) return exitCodes.unexpected;
  const findings = items.some((item) => outcomeOf(item).hasFindings);
  return findings ? exitCodes.finishedWithFindings : exitCodes.done;
}

function exitOf(code: ErrorCode): ExitCode {
  return errorCodes[code].exit;
}
