import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "./clock.ts";

export interface Retrying {
  clock: Clock;
  /** Ends the waiting, and then the work with its last error. */
  signal: AbortSignal;
  /** Milliseconds from the first failure since the last progress. */
  budget: number;
  mayPass(error: unknown): boolean;
  onRetry?: ((error: unknown) => void) | undefined;
}

const firstWait = 100;
const longestWait = 5000;

/**
 * Repeats `work` with growing pauses while it fails for reasons that may pass, and throws its last
 * error once the budget is spent. Work that tells of progress gets the whole budget anew.
 */
export async function retry<T>(
  { clock, signal, budget, mayPass, onRetry }: Retrying,
  work: (progressed: () => void) => Promise<T>,
): Promise<T> {
  let deadline: number | undefined;
  let wait = firstWait;
  function progressed() {
    deadline = undefined;
    wait = firstWait;
  }
  for (;;) {
    try {
      return await work(progressed);
    } catch (error) {
      const now = clock.elapsed();
      deadline ??= now + budget;
      if (!mayPass(error) || now >= deadline || signal.aborted) throw error;
      onRetry?.(error);
      await pause(wait * (0.5 + Math.random() / 2), signal);
      if (signal.aborted) throw error;
      wait = Math.min(wait * 2, longestWait);
    }
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
