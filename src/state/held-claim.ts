import type { MigrationError } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import type { LockPlace } from "../core/lock-place.ts";
import { type ClaimOptions, overlap, readAll } from "./claim.ts";
import { type ClaimRecord, nextBeat } from "./lock-record.ts";
import { lockTimes } from "./lock-watch.ts";
import { lost } from "./lock-words.ts";

/** A destination's lock that is ours. */
export interface HeldClaim {
  /** Throws E_LOCKED once another migration has taken it; one small read. */
  guard(): Promise<void>;
  release(): Promise<void>;
}

interface Holding {
  place: LockPlace;
  name: string;
  record: ClaimRecord;
  options: ClaimOptions;
}

/** Keeps a claim alive until it is released. */
export function holdClaim({ place, name, record, options }: Holding): HeldClaim {
  const { label, onLost, clock, beatMilliseconds, staleMilliseconds } = {
    ...lockTimes,
    ...options,
  };
  let writing: Promise<void> | undefined;
  let loss: MigrationError | undefined;

  /** Whoever takes over removes the old lock, so that it is told by its absence. */
  async function lose(): Promise<MigrationError> {
    const found = await readAll(place).catch(() => new Map());
    const rivals = [...found.values()].map(({ record: other }) => other);
    const by = rivals.find((other) => other && overlap(other.scopes, record.scopes));
    if (loss === undefined) {
      loss = lost(label, by);
      onLost?.(loss);
    }
    return loss;
  }
  /** An answer that was overtaken by a sleep of ours is of another time. */
  async function guard() {
    let asked: number;
    do {
      if (loss !== undefined) throw loss;
      asked = clock.elapsed();
      if ((await place.read(name)) === undefined) throw await lose();
    } while (clock.elapsed() - asked >= staleMilliseconds / 2);
  }
  async function beat() {
    nextBeat(record);
    if (!(await place.write(name, JSON.stringify(record)))) await lose();
  }
  // While the destination is away no beat gets there: that it is ours shows once it is back.
  const timer = setInterval(() => {
    writing ??= beat()
      .catch(() => undefined)
      .finally(() => {
        writing = undefined;
      });
  }, beatMilliseconds);
  timer.unref();
  return {
    guard,
    async release() {
      clearInterval(timer);
      await writing;
      failpoint("claim.beforeRemove");
      await place.remove(name);
      failpoint("claim.afterRemove");
    },
  };
}
