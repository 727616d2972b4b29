import { type ClockOffset, clockOffset } from "../core/clock.ts";
import { asMigrationError } from "../core/errors.ts";
import type { ProbeAnswer } from "../plan/probe.ts";

/** What a part of a probe found, or why it could not; throws only where it was asked to stop. */
export async function probed<T>(
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<ProbeAnswer<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    signal.throwIfAborted();
    const { code, message, hint } = asMigrationError(error);
    return { failure: { code, message, ...(hint === undefined ? {} : { hint }) } };
  }
}

/** Asks another clock how late it is, and compares it with ours. */
export async function askClock(
  now: () => number,
  ask: () => Promise<number>,
  stepMs?: number,
): Promise<ClockOffset> {
  const before = now();
  const said = await ask();
  return clockOffset(said, { before, after: now() }, stepMs);
}
