import { asMigrationError } from "../core/errors.ts";
import type { ClockOffset, ProbeAnswer } from "../plan/probe.ts";

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

/** How far another clock is ahead of ours, by what it said between two moments of ours. */
export async function clockOffset(
  now: () => number,
  ask: () => Promise<number>,
): Promise<ClockOffset> {
  const before = now();
  const said = await ask();
  const after = now();
  return {
    offsetMs: Math.round(said - (before + after) / 2),
    uncertaintyMs: Math.round((after - before) / 2),
  };
}
