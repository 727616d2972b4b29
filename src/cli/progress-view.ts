import { formatBytes, formatCount, formatDuration } from "../core/format.ts";
import { printable } from "../core/output.ts";
import type { ItemStatus, Status, StepStatus, Waiting } from "../state/status.ts";

type Measure = "bytes" | "documents" | "files";

interface Sample {
  at: number;
  done: number;
}

interface ProgressLine {
  /** The running step, of all items'; absent for an item of which none runs. */
  step?: string;
  text: string;
}

interface Speed {
  perSecond: number;
  /** Milliseconds; undefined where the total is unknown or nothing moves. */
  left: number | undefined;
}

const windowMilliseconds = 30_000;
const barWidth = 20;

/** Turns statuses into lines; keeps what the rate is computed from: half a minute of the past. */
export function makeProgressView(elapsed: () => number) {
  const samples = new Map<string, Sample[]>();
  return { lines, linesOf };

  /** What a terminal shows. */
  function lines(status: Status): string[] {
    const items = status.items.flatMap(linesOf).map(({ text }) => text);
    return status.waiting === undefined ? items : [...items, waitingLine(status.waiting)];
  }

  /** A line for each step that runs, as two may at once, or one for an item of which none does. */
  function linesOf(item: ItemStatus): ProgressLine[] {
    const done = item.steps.filter(({ state }) => state === "done").length;
    const head = `${printable(item.scope)}  ${done}/${item.steps.length}`;
    const running = item.steps.filter(({ state }) => state === "running");
    if (running.length === 0) return [{ text: `${head}  ${item.state}` }];
    return running.map((step) => {
      const key = `${item.id}/${step.id}`;
      return { step: key, text: `${head}  ${step.id}  ${stepText(key, step)}`.trimEnd() };
    });
  }

  function stepText(key: string, step: StepStatus): string {
    const measure = measureOf(step);
    if (measure === undefined) return printable(step.progress?.phase ?? "");
    const count = step.progress?.[measure];
    if (count === undefined) return "";
    const speed = speedOf(`${key}/${measure}`, count);
    const share = count.total ? Math.min(1, count.done / count.total) : undefined;
    const parts = [
      share === undefined ? "" : `${bar(share)} ${Math.floor(share * 100)} %`,
      amount(measure, count.done, count.total),
      rate(measure, speed.perSecond),
      speed.left === undefined ? "" : `${formatDuration(speed.left)} left`,
    ];
    return parts.filter((part) => part !== "").join("  ");
  }

  function speedOf(key: string, count: { done: number; total?: number }): Speed {
    const now = elapsed();
    const earlier = samples.get(key) ?? [];
    // Less than before: a new attempt, whose speed the old one says nothing of.
    const isSame = (earlier.at(-1)?.done ?? 0) <= count.done;
    const kept = earlier.filter(({ at }) => isSame && now - at <= windowMilliseconds);
    kept.push({ at: now, done: count.done });
    samples.set(key, kept);
    const first = kept[0];
    const seconds = first === undefined ? 0 : (now - first.at) / 1000;
    const perSecond =
      first === undefined || seconds < 0.5 ? 0 : (count.done - first.done) / seconds;
    const open = count.total === undefined ? undefined : Math.max(0, count.total - count.done);
    const left = open === undefined || perSecond <= 0 ? undefined : (open / perSecond) * 1000;
    return { perSecond: Math.max(0, perSecond), left };
  }
}

/** What the run waits for, and what is to be done. */
export function waitingLine({ what, reason, hint }: Waiting): string {
  return printable(`Waits for ${what} (${reason}). ${hint}`);
}

/** Bytes tell most; a step that only counts documents or files is measured by these. */
function measureOf({ progress }: StepStatus): Measure | undefined {
  for (const measure of ["bytes", "documents", "files"] as const) {
    if (progress?.[measure]?.total) return measure;
  }
  return (["bytes", "documents", "files"] as const).find((measure) => progress?.[measure]);
}

function amount(measure: Measure, done: number, total: number | undefined): string {
  const show = measure === "bytes" ? formatBytes : formatCount;
  const noun = measure === "bytes" ? "" : ` ${measure}`;
  return total === undefined ? `${show(done)}${noun}` : `${show(done)}/${show(total)}${noun}`;
}

function rate(measure: Measure, perSecond: number): string {
  if (perSecond <= 0) return "";
  return measure === "bytes"
    ? `${formatBytes(perSecond)}/s`
    : `${formatCount(Math.round(perSecond))} ${measure}/s`;
}

function bar(share: number): string {
  const full = Math.floor(share * barWidth);
  return `${"█".repeat(full)}${"░".repeat(barWidth - full)}`;
}
