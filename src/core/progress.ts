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
