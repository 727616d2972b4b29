import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../core/clock.ts";
import { classifyCommandError, destinationError } from "./classify.ts";

/** How long a destination may be away before the restore gives up, and what stops the waiting. */
export interface RetryOptions {
  clock: Clock;
  signal: AbortSignal;
  /** Milliseconds from the first failure of one attempt's work; 60 s unless said otherwise. */
  retryBudget?: number | undefined;
  onRetry?: ((error: unknown) => void) | undefined;
}

const firstWait = 100;
const longestWait = 5000;
const defaultBudget = 60_000;

/** A failure within an accepted command that may pass. */
export class TransientWriteError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Repeats `work` while it fails for reasons that may pass. `work` must find out by itself what an
 * earlier attempt has done: after a cut connection nobody knows. The error of the last attempt is
 * thrown once the budget is spent or the run is to stop.
 */
export async function withRetries<T>(
  collection: string,
  options: RetryOptions,
  work: () => Promise<T>,
): Promise<T> {
  const budget = options.retryBudget ?? defaultBudget;
  let deadline: number | undefined;
  for (let wait = firstWait; ; wait = Math.min(wait * 2, longestWait)) {
    try {
      return await work();
    } catch (error) {
      const now = options.clock.elapsed();
      deadline ??= now + budget;
      const hopeless = classifyCommandError(error) !== "transient" || now >= deadline;
      if (hopeless || options.signal.aborted) throw destinationError(collection, error);
      options.onRetry?.(error);
      await pause(wait * (0.5 + Math.random() / 2), options.signal);
    }
  }
}

/** An abort ends the waiting; the next failure then ends the work. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
