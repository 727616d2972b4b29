import { setTimeout as sleep } from "node:timers/promises";
import type { MigrationError } from "../core/errors.ts";

export interface RetryPolicy {
  /** All of them, with the first. */
  attempts: number;
  /** Before the second attempt; twice as long before each later one. */
  firstWaitMs: number;
  longestWaitMs: number;
}

export const usualRetries: RetryPolicy = { attempts: 5, firstWaitMs: 300, longestWaitMs: 5000 };

/** Longer than this nobody waits for a server that asks to. */
const longestAskedMs = 60_000;

/** A failure that may pass; `failure` is what to throw once the attempts are spent. */
export class PassingFailure extends Error {
  readonly failure: MigrationError;
  /** What the server asked to wait (Retry-After). */
  readonly askedMs: number | undefined;

  constructor(failure: MigrationError, askedMs?: number) {
    super(failure.message, { cause: failure });
    this.failure = failure;
    this.askedMs = askedMs;
  }
}

/** Repeats `work` while it throws PassingFailures, and waits in between. */
export async function withRetries<T>(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof PassingFailure)) throw error;
      if (attempt >= policy.attempts) throw error.failure;
      await pause(waitOf(policy, attempt, error.askedMs), signal);
    }
  }
}

/** Half of it by chance, so that many clients do not come back at the same moment. */
export function waitOf(policy: RetryPolicy, attempt: number, askedMs?: number): number {
  const wait = Math.min(policy.firstWaitMs * 2 ** (attempt - 1), policy.longestWaitMs);
  return Math.max(Math.min(askedMs ?? 0, longestAskedMs), wait * (0.5 + Math.random() / 2));
}

/** Rejects with the signal's own reason. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
