/** Time as a parameter: wall clock for records, monotonic for durations. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds since some moment; never goes back. */
  elapsed(): number;
}

/** By how much another clock is ahead of ours, and how exactly that could be measured. */
export interface ClockOffset {
  offsetMs: number;
  uncertaintyMs: number;
}

/**
 * Of a clock that said `said` at some time from `before` to `after` of ours; one that leaves off
 * what is less than `stepMs` may have been as much further.
 */
export function clockOffset(
  said: number,
  { before, after }: { before: number; after: number },
  stepMs = 0,
): ClockOffset {
  return {
    offsetMs: Math.round(said + stepMs / 2 - (before + after) / 2),
    uncertaintyMs: Math.round(stepMs / 2 + (after - before) / 2),
  };
}

export const systemClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() };
