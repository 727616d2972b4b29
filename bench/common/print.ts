import { availableParallelism, totalmem } from "node:os";
import type { Cost } from "./measure.ts";
import type { Row } from "./rows.ts";

export interface Benchmark {
  name: string;
  /** The share of the data that the goals speak of. */
  scale: number;
}

const headings = [
  ...["work", "peer", "of", "ratio", "min", "max", "goal", "met"],
  ...["ours", "CPU", "RSS", "theirs", "CPU", "RSS"],
];

/** The table for people, also fit for a page of docs. */
export function tableOf(rows: readonly Row[]): string[] {
  const lines = [headings, ...rows.map(cellsOf)];
  const widths = headings.map((_, column) =>
    Math.max(...lines.map((cells) => cells[column]?.length ?? 0)),
  );
  const [head = "", ...body] = lines.map(
    (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`,
  );
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  const notes = new Set(rows.flatMap(({ work, notes: note }) => (note ? `${work}: ${note}` : [])));
  return [head, rule, ...body, ...notes];
}

/** The last line of every benchmark: all of it as one JSON object. */
export function lastLineOf({ name, scale }: Benchmark, rows: readonly Row[]): string {
  return JSON.stringify({
    benchmark: name,
    scale,
    machine: { cpus: availableParallelism(), memory: totalmem(), node: process.version },
    rows: rows.map(({ ratio: { median, min, max }, ...row }) => ({
      ...{ work: row.work, peer: row.peer, aspect: row.aspect },
      ...{ ratio: rounded(median), min: rounded(min), max: rounded(max) },
      ...{ goal: row.goal, met: row.met, rounds: row.rounds },
      ...{ ours: row.ours, theirs: row.theirs },
      ...(row.notes === undefined ? {} : { notes: row.notes }),
    })),
  });
}

function cellsOf(row: Row): string[] {
  const { work, peer, aspect, ratio, goal, met, ours, theirs } = row;
  return [
    ...[work, peer, aspect],
    ...[ratio.median, ratio.min, ratio.max, goal].map((number) => rounded(number).toFixed(2)),
    met ? "yes" : "no",
    ...costOf(ours),
    ...costOf(theirs),
  ];
}

/** A limit takes no time. */
function costOf({ wallMs, cpuMs, peakRssBytes }: Cost): string[] {
  const times = [wallMs, cpuMs].map((ms) => (ms === 0 ? "" : `${(ms / 1000).toFixed(2)} s`));
  return [...times, `${Math.round(peakRssBytes / 2 ** 20)} MiB`];
}

function rounded(number: number): number {
  return Math.round(number * 1000) / 1000;
}
