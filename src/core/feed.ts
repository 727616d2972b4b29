/** What one work hands to another while both go on: values in their order, then an end or an error. */
export interface Feed<T> {
  push(value: T): void;
  end(): void;
  /** Who reads gets the error behind the values that came before. */
  fail(error: unknown): void;
  /** All values from the first one on; waits for those to come, and rejects when `signal` aborts. */
  values(signal: AbortSignal): AsyncGenerator<T>;
}

export function makeFeed<T>(): Feed<T> {
  const values: T[] = [];
  let end: { error?: unknown } | undefined;
  let change = Promise.withResolvers<void>();
  function changed() {
    change.resolve();
    change = Promise.withResolvers();
  }
  function finish(how: { error?: unknown }) {
    end ??= how;
    changed();
  }
  return {
    push(value) {
      values.push(value);
      changed();
    },
    end: () => finish({}),
    fail: (error) => finish({ error }),
    async *values(signal) {
      for (let next = 0; ; ) {
        signal.throwIfAborted();
        for (; next < values.length; next++) yield values[next] as T;
        if (end !== undefined) break;
        await untilSettledOrAborted(change.promise, signal);
      }
      if (end !== undefined && "error" in end) throw end.error;
    },
  };
}

async function untilSettledOrAborted(settled: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    await Promise.race([settled, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
