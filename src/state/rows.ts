import type { ItemStatus, Status, StepStatus } from "./status.ts";

interface Count {
  done: number;
  total?: number;
}

/** One line of a view of the status: an item, followed by a line for each of its steps. */
export interface Row {
  level: "item" | "step";
  item: string;
  /** Only for a step, as is `kind`. */
  step?: string;
  kind?: string;
  state: string;
  /** For an item, the most that any of its steps needed. */
  attempts: number;
  /** What a running step does now; for an item, the step that runs. */
  phase?: string;
  files?: Count;
  documents?: Count;
  bytes?: Count;
  /** For an item, the sum over its steps. */
  milliseconds?: number;
  /** How many documents or files got which verdict, out of the step's output. */
  verdicts?: Record<string, number>;
  /** For an item, that of the step that failed. */
  error?: { code: string; message: string; hint?: string };
}

/** The status as lines to show; `now` (milliseconds since 1970) gives running steps a duration. */
export function rowsOf(status: Status, now?: number): Row[] {
  const rows: Row[] = [];
  for (const item of status.items) {
    const steps = item.steps.map((step) => stepRow(item, step, now));
    rows.push(itemRow(item, steps), ...steps);
  }
  return rows;
}

function itemRow(item: ItemStatus, steps: readonly Row[]): Row {
  const row: Row = { level: "item", item: item.id, state: item.state, attempts: 0 };
  for (const step of steps) {
    row.attempts = Math.max(row.attempts, step.attempts);
    if (step.milliseconds !== undefined) {
      row.milliseconds = (row.milliseconds ?? 0) + step.milliseconds;
    }
    if (step.state === "running" && step.step !== undefined) row.phase = step.step;
    if (step.error !== undefined) row.error ??= step.error;
  }
  return row;
}

function stepRow(item: ItemStatus, step: StepStatus, now: number | undefined): Row {
  const { state, attempts, progress, error } = step;
  const row: Row = {
    level: "step",
    item: item.id,
    step: step.id,
    kind: step.kind,
    state,
    attempts,
  };
  if (progress?.files) row.files = progress.files;
  if (progress?.documents) row.documents = progress.documents;
  if (progress?.bytes) row.bytes = progress.bytes;
  if (progress && state === "running") row.phase = progress.phase;
  const milliseconds = durationOf(step, now);
  if (milliseconds !== undefined) row.milliseconds = milliseconds;
  const verdicts = verdictsOf(step.output);
  if (verdicts) row.verdicts = verdicts;
  if (error) row.error = errorOf(error);
  return row;
}

function durationOf(step: StepStatus, now: number | undefined): number | undefined {
  if (step.milliseconds !== undefined) return step.milliseconds;
  if (step.state !== "running" || step.startedAt === undefined || now === undefined)
    return undefined;
  return Math.max(0, now - step.startedAt);
}

function errorOf({ code, message, hint }: NonNullable<StepStatus["error"]>) {
  return hint === undefined ? { code, message } : { code, message, hint };
}

/** The counts below `verdicts` of an output, which may be split, by collection for instance. */
function verdictsOf(output: unknown): Record<string, number> | undefined {
  const { verdicts } = isRecord(output) ? output : {};
  if (!isRecord(verdicts)) return undefined;
  const counts: Record<string, number> = {};
  addCounts(counts, verdicts);
  return Object.keys(counts).length === 0 ? undefined : counts;
}

function addCounts(counts: Record<string, number>, from: Record<string, unknown>) {
  for (const [name, value] of Object.entries(from)) {
    if (typeof value === "number") counts[name] = (counts[name] ?? 0) + value;
    else if (isRecord(value)) addCounts(counts, value);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
