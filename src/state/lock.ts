import { readdirSync, readFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../core/atomic-file.ts";
import { codeOf, hasCode, type MigrationError } from "../core/errors.ts";
import { createLock, fencingNumbers, findLock, writeRecord } from "./lock-file.ts";
import { currentOwner, type LockOwner } from "./lock-owner.ts";
import { LockRecord, newRecord, nextBeat, parseRecord } from "./lock-record.ts";
import { lockTimes, makePatience, type Patience, watchHolder } from "./lock-watch.ts";
import { describeHolder, lost, silent } from "./lock-words.ts";
import type { Holder } from "./status.ts";

export interface LockOptions extends Patience {
  owner?: LockOwner;
  /** Told at most once, with the E_LOCKED that `check` throws from then on. */
  onLost?: (error: MigrationError) => void;
}

export interface Lock {
  /** Higher than that of every earlier holder. */
  readonly fencing: number;
  readonly holder: Holder;
  /** Who had it before and gave no sign of life any more, or died. */
  readonly followed: string | undefined;
  /** Throws `E_LOCKED` once another process has taken over; cheap enough for each batch. */
  check(): void;
  release(): Promise<void>;
}

/**
 * Takes the lock of a folder, kept in its sub-folder `lock`. Throws `E_LOCKED` when its holder
 * lives; a dead one is followed at once on the same machine, and otherwise after a minute in
 * which it gave no sign of life.
 */
export async function acquireLock(folder: string, options: LockOptions): Promise<Lock> {
  const { clock, owner = currentOwner() } = options;
  const locks = join(folder, "lock");
  await makeFolder(locks);
  const judge = watchHolder({ ...lockTimes, ...options, owner });
  const wait = makePatience(folder, options);
  for (;;) {
    const found = await findLock(locks);
    const state = found === undefined || found.record?.released ? "free" : judge(found);
    if (state === "free" || state === "dead") {
      const record = newRecord(owner, clock);
      const fencing = (found?.fencing ?? 0) + 1;
      const file = await createLock(locks, fencing, record);
      const followed = state === "dead" ? describeHolder(found?.record) : undefined;
      if (file) return new HeldLock({ folder, locks, fencing, file, record, options, followed });
    } else {
      await wait(state, found?.record);
    }
  }
}

interface Held {
  folder: string;
  locks: string;
  fencing: number;
  file: FileHandle;
  record: LockRecord;
  options: LockOptions;
  followed: string | undefined;
}

class HeldLock implements Lock {
  readonly fencing: number;
  readonly holder: Holder;
  readonly followed: string | undefined;
  readonly #held: Held;
  readonly #timer: NodeJS.Timeout;
  #writing: Promise<unknown> = Promise.resolve();
  #isReleased = false;
  #isTold = false;
  /** When the last beat was written, and why a later one was not. */
  #beatAt: number;
  #failure: unknown;

  constructor(held: Held) {
    const { owner, since } = held.record;
    this.#held = held;
    this.fencing = held.fencing;
    this.followed = held.followed;
    this.holder = { pid: owner.pid, host: owner.host, since, fencing: held.fencing };
    this.#beatAt = held.options.clock.elapsed();
    const { beatMilliseconds = lockTimes.beatMilliseconds } = held.options;
    this.#timer = setInterval(() => this.#beat(), beatMilliseconds);
    this.#timer.unref();
  }

  check() {
    const { locks, record, folder, options } = this.#held;
    const newest = Math.max(0, ...fencingNumbers(namesIn(locks)));
    const text = textOf(join(locks, String(newest)));
    const found = text === undefined ? undefined : parseRecord(LockRecord, text);
    if (found?.token !== record.token || this.#isReleased) throw lost(folder, found);
    const { staleMilliseconds = lockTimes.staleMilliseconds } = options;
    const isSilent = options.clock.elapsed() - this.#beatAt >= staleMilliseconds;
    if (this.#failure !== undefined && isSilent) throw silent(folder, this.#failure);
  }

  async release() {
    if (this.#isReleased) return;
    this.#isReleased = true;
    clearInterval(this.#timer);
    await this.#writing;
    const { file, record } = this.#held;
    try {
      await writeRecord(file, { ...record, released: true });
    } finally {
      await file.close();
    }
  }

  #beat() {
    const { file, record, options } = this.#held;
    this.#writing = this.#writing.then(async () => {
      try {
        nextBeat(record);
        await writeRecord(file, record);
        this.#beatAt = options.clock.elapsed();
        this.#failure = undefined;
      } catch (error) {
        this.#failure = error;
      }
      this.#tellIfLost();
    });
  }

  /** A folder that cannot be read just now says nothing of who has the lock. */
  #tellIfLost() {
    const { onLost } = this.#held.options;
    if (onLost === undefined || this.#isTold || this.#isReleased) return;
    try {
      this.check();
    } catch (error) {
      if (!hasCode(error, "E_LOCKED")) return;
      this.#isTold = true;
      onLost(error);
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
