import type { Clock } from "../core/clock.ts";
import { retry } from "../core/retry.ts";
import { classifyCommandError, destinationError } from "./classify.ts";

/** How long a destination may be away before the restore gives up, and what stops the waiting. */
export interface RetryOptions {
  clock: Clock;
  signal: AbortSignal;
  /** Milliseconds from the first failure of one attempt's work; 60 s unless said otherwise. */
  retryBudget?: number | undefined;
  onRetry?: ((error: unknown) => void) | undefined;
}

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
  const { clock, signal, onRetry, retryBudget: budget = defaultBudget } = options;
  const mayPass = (error: unknown) => classifyCommandError(error) === "transient";
  try {
    return await retry({ clock, signal, budget, mayPass, onRetry }, work);
  } catch (error) {
    throw destinationError(collection, error);
  }
}
