/** How far a step is. Numbers only grow within one attempt; totals may be unknown. */
export interface Progress {
  /** What it does now, as a short phrase: "copying", "DataSetFiles". */
  phase: string;
  files?: Count;
  documents?: Count;
  bytes?: Count;
}

export interface Count {
  done: number;
  total?: number;
}

export type Report = (progress: Progress) => void;

/** Passes at most one report in `milliseconds` on, and always the newest in the end by `flush`. */
export function throttleReports(report: Report, milliseconds: number, now: () => number) {
  let last = Number.NEGATIVE_INFINITY;
  let waiting: Progress | undefined;
  function flush() {
    if (waiting === undefined) return;
    report(waiting);
    waiting = undefined;
    last = now();
  }
  function push(progress: Progress) {
    waiting = progress;
    if (now() - last >= milliseconds) flush();
  }
  return { push, flush };
}

/**
 * For work that is begun again with what is left of it: tells its counts as parts of the whole, and
 * never less than was told before.
 */
export function ofTheWhole(report: Report): Report {
  const told = new Map<string, Required<Count>>();
  function whole(name: string, { done, total }: Count): Count {
    if (total === undefined) return { done };
    const before = told.get(name) ?? { done: 0, total };
    const all = Math.max(before.total, total);
    const count = { done: Math.max(before.done, all - total + done), total: all };
    told.set(name, count);
    return count;
  }
  return ({ phase, ...counts }) => {
    const named = Object.entries(counts).map(([kind, count]) => [
      kind,
      whole(`${phase} ${kind}`, count),
    ]);
    report({ phase, ...Object.fromEntries(named) });
  };
}
