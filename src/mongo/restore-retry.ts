import type { Clock } from "../core/clock.ts";
import { MigrationError } from "../core/errors.ts";
import { retry } from "../core/retry.ts";
import { classifyCommandError, destinationError } from "./classify.ts";
import type { WriteFailure } from "./database.ts";

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

/** A failure of one document, as the driver throws that of a command. */
export function serverError({ code, message }: WriteFailure): Error {
  return Object.assign(new Error(message), { code });
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
  const { clock, signal, retryBudget: budget = defaultBudget } = options;
  const mayPass = (error: unknown) => classifyCommandError(error) === "transient";
  let first: number | undefined;
  function onRetry(error: unknown) {
    first ??= clock.elapsed();
    options.onRetry?.(error);
  }
  try {
    return await retry({ clock, signal, budget, mayPass, onRetry }, work);
  } catch (error) {
    const failure = destinationError(collection, error);
    throw first === undefined ? failure : withDuration(failure, clock.elapsed() - first);
  }
}

/** What was waited for in vain says for how long. */
function withDuration(failure: MigrationError, milliseconds: number): MigrationError {
  if (failure.kind !== "transient") return failure;
  const seconds = Math.round(milliseconds / 1000);
  return new MigrationError(
    failure.code,
    `${failure.message}, after ${seconds} s of trying again`,
    {
      cause: failure.cause,
      ...(failure.hint === undefined ? {} : { hint: failure.hint }),
      fields: { ...failure.fields, retriedSeconds: seconds },
    },
  );
}
