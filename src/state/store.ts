import { makeFolder } from "../core/atomic-file.ts";
import type { Clock } from "../core/clock.ts";
import { hasCode, type MigrationError } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import type { Logger } from "../core/log.ts";
import type { Progress } from "../core/progress.ts";
import { redactText } from "../core/secrets.ts";
import type { Event, NewEvent } from "./events.ts";
import { createJournal, type Journal, openJournal } from "./journal.ts";
import type { Lock } from "./lock.ts";
import { journalPath, type Recovered, recover } from "./recover.ts";
import { reduce } from "./reduce.ts";
import { openReserve, type Reserve } from "./reserve.ts";
import { openSnapshots, type SnapshotWriter } from "./snapshot.ts";
import { makeStamp } from "./stamp.ts";
import type { Status, Waiting } from "./status.ts";

const progressInterval = 1000;

export interface StoreOptions {
  clock: Clock;
  log: Logger;
  /** Checked before each write; its fencing number goes into each line of the journal. */
  lock: Pick<Lock, "check" | "fencing">;
  /** Told with the E_LOCKED where progress could not be shown as the lock is lost. */
  onLost?: (error: MigrationError) => void;
}

/** The only writer of a migration's status. */
export interface Store {
  /** Undefined before the first run. */
  readonly status: Status | undefined;
  /** Durable once it returns; calls may overlap and are done in their order. */
  append(event: NewEvent): Promise<Status>;
  /** Takes the progress of a running step in; it reaches the disk at most once a second. */
  progress(item: string, step: string, progress: Progress): void;
  /** Shows at once what the run waits for, or that it goes on; nothing before the first run. */
  waits(waiting: Waiting | undefined): void;
  /** Shows how much may be sent from now on; nothing before the first run. */
  limits(bandwidthLimit: number | undefined): void;
  close(): Promise<void>;
}

/** Makes the folder where needed and goes on from what it tells. */
export async function openStore(folder: string, options: StoreOptions): Promise<Store> {
  options.lock.check();
  await makeFolder(folder);
  const recovered = await recover(folder);
  const reserve = await openReserve(folder);
  const writer = new StateWriter(folder, { ...options, reserve }, recovered);
  try {
    await writer.catchUp();
  } catch (error) {
    await writer.close();
    throw error;
  }
  return writer;
}

class StateWriter implements Store {
  status: Status | undefined;
  readonly #folder: string;
  readonly #options: StoreOptions & { reserve: Reserve };
  readonly #snapshots: SnapshotWriter;
  readonly #stamp: (event: NewEvent, status: Status | undefined) => Event;
  readonly #recovered: Recovered;
  #journal: Journal | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #progressTimer: NodeJS.Timeout | undefined;
  #progressAt = Number.NEGATIVE_INFINITY;

  constructor(folder: string, options: StoreOptions & { reserve: Reserve }, recovered: Recovered) {
    this.#folder = folder;
    this.#options = options;
    this.#recovered = recovered;
    this.status = recovered.status;
    this.#snapshots = openSnapshots(folder, recovered.status);
    this.#stamp = makeStamp(options.clock);
  }

  /** Brings a journal that is lost or behind up to the status. */
  async catchUp() {
    const { status, journal } = this.#recovered;
    if (journal?.status !== undefined) {
      this.#journal = await openJournal(journalPath(this.#folder), journal.length);
    }
    if (status === undefined || journal?.status?.seq === status.seq) return;
    await this.#write({ type: "restored", at: this.#options.clock.now(), status });
  }

  async append(event: NewEvent): Promise<Status> {
    const stamped = this.#stamp(event, this.status);
    return this.#inOrder(() => this.#write(stamped));
  }

  progress(item: string, step: string, progress: Progress) {
    const at = this.#options.clock.now();
    const running = this.status?.items.find(({ id }) => id === item)?.steps;
    if (this.status?.state !== "running") return;
    if (running?.find(({ id }) => id === step)?.state !== "running") return;
    this.status = reduce(this.status, { type: "step-progress", at, item, step, progress });
    const wait = this.#progressAt + progressInterval - this.#options.clock.elapsed();
    this.#progressTimer ??= setTimeout(() => this.#showProgress(), Math.max(0, wait));
  }

  waits(waiting: Waiting | undefined) {
    if (this.status === undefined) return;
    const at = this.#options.clock.now();
    const masked = waiting && { waiting: { ...waiting, reason: redactText(waiting.reason) } };
    this.status = reduce(this.status, { type: "run-waiting", at, ...masked });
    this.#showProgress();
  }

  limits(bandwidthLimit: number | undefined) {
    if (this.status === undefined) return;
    const at = this.#options.clock.now();
    const limit = bandwidthLimit === undefined ? {} : { bandwidthLimit };
    this.status = reduce(this.status, { type: "run-limited", at, ...limit });
    this.#showProgress();
  }

  async close() {
    clearTimeout(this.#progressTimer);
    await this.#inOrder(async () => this.#journal?.close());
  }

  async #write(event: Event): Promise<Status> {
    const { lock, reserve } = this.#options;
    lock.check();
    failpoint("state.beforeWrite");
    const { seq } = reduce(this.status, event);
    await reserve.spend(() => this.#journalise(seq, event));
    // Not what was reduced before: other steps may have reported progress meanwhile.
    const next = reduce(this.status, event);
    this.status = next;
    await reserve.spend(() => this.#snapshots.write(next));
    failpoint("state.afterWrite");
    return next;
  }

  async #journalise(seq: number, event: Event) {
    const { fencing } = this.#options.lock;
    if (this.#journal !== undefined) return this.#journal.append(seq, fencing, event);
    const path = journalPath(this.#folder);
    this.#journal = await createJournal(path, seq, fencing, event);
  }

  #showProgress() {
    clearTimeout(this.#progressTimer);
    this.#progressTimer = undefined;
    this.#progressAt = this.#options.clock.elapsed();
    this.#inOrder(async () => {
      if (this.status === undefined) return;
      this.#options.lock.check();
      await this.#snapshots.writeFast(this.status);
    }).catch((error) => {
      const { log, onLost } = this.#options;
      if (hasCode(error, "E_LOCKED")) onLost?.(error);
      else log.warn({ err: error }, "Cannot write the progress");
    });
  }

  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}
