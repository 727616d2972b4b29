/** Runs works in the order in which they come, at most so many at the same time. */
export function atMost(limit: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= limit) await new Promise<void>((done) => waiting.push(done));
    else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      // Who waits takes the place as it is.
      if (next === undefined) running--;
      else next();
    }
  };
}
