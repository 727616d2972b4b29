/** How much may be sent; what sends asks before each piece. */
export interface Bandwidth {
  /** Bytes each second; undefined where there is no limit. */
  readonly limit: number | undefined;
  /** Holds at once, also for what waits already. */
  set(limit: number | undefined): void;
  /**
   * Resolves once so many bytes may go, in the order of the calls: who asks for one piece after
   * another gets as much as each other one that does. An abort ends the waiting.
   */
  take(bytes: number, signal?: AbortSignal): Promise<void>;
  /** Aborted by the next change of the limit. */
  changed(): AbortSignal;
}

/** What gathers while nothing is sent, as a share of a second. */
const burstSeconds = 0.1;

interface Asking {
  bytes: number;
  go(): void;
}

/**
 * A bucket that fills at the rate of the limit. A piece goes as soon as the bucket is not empty,
 * and may leave it owing: the next one waits until that is paid.
 */
export function makeBandwidth(elapsed: () => number, first?: number): Bandwidth {
  let limit = first;
  let held = 0;
  let filledAt = elapsed();
  let change = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const queue: Asking[] = [];

  function fill() {
    const now = elapsed();
    const rate = limit ?? 0;
    held = Math.min(held + ((now - filledAt) / 1000) * rate, rate * burstSeconds);
    filledAt = now;
  }
  function serve() {
    clearTimeout(timer);
    fill();
    while (queue.length > 0 && (limit === undefined || held >= 0)) {
      const { bytes, go } = queue.shift() as Asking;
      held -= bytes;
      go();
    }
    if (queue.length === 0 || limit === undefined) return;
    timer = setTimeout(serve, Math.ceil((-held / limit) * 1000));
  }
  async function take(bytes: number, signal?: AbortSignal) {
    if (signal?.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const asking = { bytes, go: resolve };
    const leave = () => {
      const at = queue.indexOf(asking);
      if (at >= 0) queue.splice(at, 1);
      resolve();
    };
    signal?.addEventListener("abort", leave, { once: true });
    queue.push(asking);
    if (queue.length === 1) serve();
    await promise;
    signal?.removeEventListener("abort", leave);
  }
  return {
    get limit() {
      return limit;
    },
    set(next) {
      if (next === limit) return;
      fill();
      // What was sent beyond the old limit is not owed under the new one.
      held = 0;
      limit = next;
      change.abort();
      change = new AbortController();
      serve();
    },
    take,
    changed: () => change.signal,
  };
}
