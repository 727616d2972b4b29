import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeFolder } from "../core/atomic-file.ts";
import type { Clock } from "../core/clock.ts";
import { codeOf, MigrationError } from "../core/errors.ts";
import {
  beatOf,
  createLock,
  type FoundLock,
  fencingNumbers,
  findLock,
  type LockRecord,
  parseRecord,
  writeRecord,
} from "./lock-file.ts";
import { currentOwner, type LockOwner } from "./lock-owner.ts";
import { watchHolder } from "./lock-watch.ts";
import type { Holder } from "./status.ts";

export interface LockOptions {
  clock: Clock;
  signal: AbortSignal;
  /** How long to wait for a holder that lives; 0 when absent. */
  waitSeconds?: number;
  owner?: LockOwner;
  beatMilliseconds?: number;
  pollMilliseconds?: number;
  staleMilliseconds?: number;
}

export interface Lock {
  /** Higher than that of every earlier holder. */
  readonly fencing: number;
  readonly holder: Holder;
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
  const { clock, signal, waitSeconds = 0, owner = currentOwner() } = options;
  const { pollMilliseconds = 1000, staleMilliseconds = 60_000 } = options;
  const locks = join(folder, "lock");
  await makeFolder(locks);
  const judge = watchHolder({ clock, owner, pollMilliseconds, staleMilliseconds });
  const begin = clock.elapsed();
  for (;;) {
    const found = await findLock(locks);
    const state = found === undefined || found.record?.released ? "free" : judge(found);
    if (state === "free" || state === "dead") {
      const record = newRecord(owner, clock);
      const fencing = (found?.fencing ?? 0) + 1;
      const file = await createLock(locks, fencing, record);
      if (file) return new HeldLock({ folder, locks, fencing, file, record, options });
    } else if (state === "alive" && clock.elapsed() - begin >= waitSeconds * 1000) {
      throw inUse(folder, found);
    } else {
      await pause(pollMilliseconds, folder, signal);
    }
  }
}

function newRecord(owner: LockOwner, clock: Clock): LockRecord {
  const since = Math.round(clock.now());
  return { version: 1, owner, since, token: randomUUID(), beat: beatOf(0), released: false };
}

async function pause(milliseconds: number, folder: string, signal: AbortSignal) {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch (cause) {
    throw new MigrationError("E_INTERRUPTED", `Stopped while waiting for the lock of "${folder}"`, {
      cause,
    });
  }
}

interface Held {
  folder: string;
  locks: string;
  fencing: number;
  file: FileHandle;
  record: LockRecord;
  options: LockOptions;
}

class HeldLock implements Lock {
  readonly fencing: number;
  readonly holder: Holder;
  readonly #held: Held;
  readonly #timer: NodeJS.Timeout;
  #writing: Promise<unknown> = Promise.resolve();
  #isReleased = false;

  constructor(held: Held) {
    const { owner, since } = held.record;
    this.#held = held;
    this.fencing = held.fencing;
    this.holder = { pid: owner.pid, host: owner.host, since, fencing: held.fencing };
    this.#timer = setInterval(() => this.#beat(), held.options.beatMilliseconds ?? 5000);
    this.#timer.unref();
  }

  check() {
    const { locks, record, folder } = this.#held;
    const newest = Math.max(0, ...fencingNumbers(namesIn(locks)));
    const text = textOf(join(locks, String(newest)));
    const found = text === undefined ? undefined : parseRecord(text);
    if (found?.token === record.token && !this.#isReleased) return;
    throw lost(folder, found);
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

  /** A beat that cannot be written is left out: `check` tells when the lock is gone. */
  #beat() {
    const { file, record } = this.#held;
    this.#writing = this.#writing.then(async () => {
      record.beat = beatOf(Number(record.beat) + 1);
      await writeRecord(file, record).catch(() => undefined);
    });
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

function inUse(folder: string, found: FoundLock | undefined): MigrationError {
  const message = `"${folder}" is in use by ${describe(found?.record)}`;
  return new MigrationError("E_LOCKED", message, {
    hint: "Wait until it ends, or stop it: its lock is taken over once it is gone",
    fields: { folder, ...found?.record?.owner },
  });
}

function lost(folder: string, by: LockRecord | undefined): MigrationError {
  return new MigrationError("E_LOCKED", `The lock of "${folder}" was lost to ${describe(by)}`, {
    hint: "Leave the work to that process; see the status",
    fields: { folder, ...by?.owner },
  });
}

function describe(record: LockRecord | undefined): string {
  if (record === undefined) return "an unknown process";
  const since = new Date(record.since).toISOString();
  return `process ${record.owner.pid} on host "${record.owner.host}" since ${since}`;
}
