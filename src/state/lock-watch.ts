import type { Clock } from "../core/clock.ts";
import type { FoundLock } from "./lock-file.ts";
import { isAlive, type LockOwner } from "./lock-owner.ts";

export interface WatchOptions {
  clock: Clock;
  owner: LockOwner;
  pollMilliseconds: number;
  staleMilliseconds: number;
}

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
  return function judge(lock: FoundLock): "alive" | "dead" | "unknown" {
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
