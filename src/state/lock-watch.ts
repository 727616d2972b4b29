import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../core/clock.ts";
import { isAlive, type LockOwner } from "./lock-owner.ts";
import type { LockRecord } from "./lock-record.ts";
import { describeHolder, interruptedWait, inUse } from "./lock-words.ts";

export interface LockTimes {
  beatMilliseconds: number;
  pollMilliseconds: number;
  /** Of silence, after which a holder counts as dead. */
  staleMilliseconds: number;
}

export const lockTimes: LockTimes = {
  beatMilliseconds: 5000,
  pollMilliseconds: 1000,
  staleMilliseconds: 60_000,
};

export interface WatchOptions extends Omit<LockTimes, "beatMilliseconds"> {
  clock: Clock;
  owner: LockOwner;
}

/** As it was read: any change of the text is a sign of life. */
interface Watched {
  fencing: number;
  text: string;
  record: LockRecord | undefined;
}

export type HolderState = "alive" | "dead" | "unknown";

/**
 * Tells whether the holder of a lock lives. One of the same machine is looked up; one elsewhere is
 * dead once its file has not changed for `staleMilliseconds` while this process was watching.
 * Nothing is concluded from wall clocks or file times, which differ between machines.
 */
export function watchHolder(options: WatchOptions) {
  const { clock, owner, pollMilliseconds, staleMilliseconds } = options;
  let seen: { fencing: number; text: string } | undefined;
  let lookedAt = clock.elapsed();
  let unchanged = 0;
  return function judge(lock: Watched): HolderState {
    const alive = lock.record && isAlive(lock.record.owner, owner);
    if (alive !== undefined) return alive ? "alive" : "dead";
    const before = seen;
    seen = lock;
    const gap = clock.elapsed() - lookedAt;
    lookedAt = clock.elapsed();
    if (before?.fencing !== lock.fencing || before.text !== lock.text) {
      unchanged = 0;
      return before?.fencing === lock.fencing ? "alive" : "unknown";
    }
    // A pause of this process or of the volume is no time in which the holder was seen idle.
    unchanged += Math.min(gap, 3 * pollMilliseconds);
    return unchanged >= staleMilliseconds ? "dead" : "unknown";
  };
}

export interface Patience extends Partial<LockTimes> {
  clock: Clock;
  signal: AbortSignal;
  /** How long to wait for a holder that lives; 0 when absent. */
  waitSeconds?: number;
  /** Told once for whom is waited. */
  onWaiting?: (holder: string) => void;
}

/** Waits for a moment; throws E_LOCKED where the holder lives and there is no more time. */
export function makePatience(what: string, options: Patience) {
  const { clock, signal, waitSeconds = 0, onWaiting } = options;
  const { pollMilliseconds = lockTimes.pollMilliseconds } = options;
  const begin = clock.elapsed();
  let isTold = false;
  return async function wait(state: HolderState, holder: LockRecord | undefined) {
    if (state === "alive" && clock.elapsed() - begin >= waitSeconds * 1000) {
      throw inUse(what, holder);
    }
    if (!isTold) onWaiting?.(describeHolder(holder));
    isTold = true;
    await sleep(pollMilliseconds, undefined, { signal }).catch((cause) => {
      throw interruptedWait(what, cause);
    });
  };
}
