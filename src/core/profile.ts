/** What a step can wait for. */
export type Wait =
  | "sourceDatabase"
  | "destinationDatabase"
  | "archive"
  | "sourceFiles"
  | "destinationFiles"
  // What rsync or tar have to send.
  | "program"
  | "network"
  | "bandwidthLimit";

/** What can be on its way at a time: calls of the destination's database, bytes within our link. */
export type Depth = "batchesInFlight" | "bytesInLink";

/** Where a step tells what it waits for; one that is not profiled has none. */
export interface Profile {
  /** Counts the time until `work` is settled; what is waited for twice at once counts once. */
  waiting<T>(what: Wait, work: Promise<T>): Promise<T>;
  /** The same for what is no promise: to be called with 1 where a wait begins, -1 where it ends. */
  waits(what: Wait, change: 1 | -1): void;
  /** How much more there is from now on. */
  depth(what: Depth, change: number): void;
}

export interface ProfileResult {
  /** Milliseconds. */
  waits: Partial<Record<Wait, number>>;
  depths: Partial<Record<Depth, { mean: number; most: number }>>;
}

/** A profile of one step; `elapsed` gives milliseconds that never go back. */
export function makeProfile(elapsed: () => number): Profile & { result(): ProfileResult } {
  const begun = elapsed();
  const times = new Map<Wait, { count: number; since: number; sum: number }>();
  const amounts = new Map<Depth, { now: number; since: number; sum: number; most: number }>();

  function change(what: Wait, by: 1 | -1) {
    const now = elapsed();
    const time = times.get(what) ?? { count: 0, since: now, sum: 0 };
    if (time.count > 0) time.sum += now - time.since;
    time.count += by;
    time.since = now;
    times.set(what, time);
  }
  function depth(what: Depth, by: number) {
    const now = elapsed();
    const known = amounts.get(what) ?? { now: 0, since: begun, sum: 0, most: 0 };
    known.sum += known.now * (now - known.since);
    known.now += by;
    known.since = now;
    known.most = Math.max(known.most, known.now);
    amounts.set(what, known);
  }
  function result(): ProfileResult {
    const length = Math.max(1, elapsed() - begun);
    for (const what of amounts.keys()) depth(what, 0);
    const told = [...times].map(([what, { sum }]) => [what, Math.round(sum)]);
    const means = [...amounts].map(([what, { sum, most }]) => {
      return [what, { mean: Math.round((sum / length) * 10) / 10, most }];
    });
    return { waits: Object.fromEntries(told), depths: Object.fromEntries(means) };
  }
  return {
    async waiting(what, work) {
      change(what, 1);
      try {
        return await work;
      } finally {
        change(what, -1);
      }
    },
    waits: change,
    depth,
    result,
  };
}

/** The same values; the time until each one comes is a wait. */
export async function* waitingForEach<T>(
  values: AsyncIterable<T>,
  what: Wait,
  profile: Profile,
): AsyncGenerator<T> {
  const iterator = values[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await profile.waiting(what, iterator.next());
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}
