import type { Cost } from "./measure.ts";

/** What a goal is about. */
type Aspect = "wall" | "cpu" | "rss" | "size";

export interface Goal {
  aspect: Aspect;
  /** The largest ratio, ours to the peer's, that reaches it. */
  most: number;
}

/** What both sides took for the same work, one after the other. */
export interface Pair {
  ours: Cost;
  theirs: Cost;
}

interface Ratio {
  median: number;
  min: number;
  max: number;
}

/** One goal of one piece of work. */
export interface Row {
  work: string;
  peer: string;
  aspect: Aspect;
  rounds: number;
  ratio: Ratio;
  goal: number;
  met: boolean;
  /** Medians of the rounds. */
  ours: Cost;
  theirs: Cost;
  notes?: string;
}

export interface Compared {
  work: string;
  peer: string;
  goals: readonly Goal[];
  notes?: string;
}

/** A row for each goal of what was compared. */
export function rowsOf({ goals, ...compared }: Compared, pairs: readonly Pair[]): Row[] {
  const ours = medians(pairs.map((pair) => pair.ours));
  const theirs = medians(pairs.map((pair) => pair.theirs));
  return goals.map(({ aspect, most }) => {
    const ratio = ratioOf(
      pairs.map((pair) => amountOf(pair.ours, aspect) / amountOf(pair.theirs, aspect)),
    );
    const met = ratio.median <= most;
    return { ...compared, aspect, rounds: pairs.length, ratio, goal: most, met, ours, theirs };
  });
}

/** The row of a limit on memory, which none of the runs may reach: the largest of them counts. */
export function limitRow(work: string, costs: readonly Cost[], limitBytes: number): Row {
  const row = rowOfLimit(work, costs, { ...nothing, peakRssBytes: limitBytes }, "rss");
  return { ...row, met: costs.length > 0 && row.ratio.max < 1 };
}

/** The row of a limit on processor time; the median of the runs counts. */
export function costRow(work: string, costs: readonly Cost[], limitMs: number): Row {
  const row = rowOfLimit(work, costs, { ...nothing, cpuMs: limitMs }, "cpu");
  return { ...row, met: row.ratio.median < 1 };
}

const nothing: Cost = { wallMs: 0, cpuMs: 0, peakRssBytes: 0 };

function rowOfLimit(work: string, costs: readonly Cost[], limit: Cost, aspect: Aspect) {
  const ratio = ratioOf(costs.map((cost) => amountOf(cost, aspect) / amountOf(limit, aspect)));
  const rounds = costs.length;
  return {
    ...{ work, peer: "limit", aspect, rounds, ratio, goal: 1 },
    ours: medians(costs),
    theirs: limit,
  };
}

function ratioOf(ratios: readonly number[]): Ratio {
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}

/** The middle one; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

function medians(costs: readonly Cost[]): Cost {
  const bytes = costs.flatMap((cost) => cost.bytes ?? []);
  return {
    wallMs: median(costs.map(({ wallMs }) => wallMs)),
    cpuMs: median(costs.map(({ cpuMs }) => cpuMs)),
    peakRssBytes: median(costs.map(({ peakRssBytes }) => peakRssBytes)),
    ...(bytes.length > 0 ? { bytes: median(bytes) } : {}),
  };
}

function amountOf(cost: Cost, aspect: Aspect): number {
  switch (aspect) {
    case "wall":
      return cost.wallMs;
    case "cpu":
      return cost.cpuMs;
    case "rss":
      return cost.peakRssBytes;
    case "size":
      return cost.bytes ?? Number.NaN;
  }
}
