/** The bytes of all batches in flight, for memory; a larger one flies alone. */
const mostBytesInFlight = 9 * 1024 * 1024;

/** A few works at a time; after the first failure no further one starts. */
export function makeFlights(most: number) {
  const running = new Set<Promise<void>>();
  let bytesInFlight = 0;
  const errors: unknown[] = [];
  function check() {
    if (errors.length > 0) throw errors[0];
  }
  return {
    check,
    async start(bytes: number, work: () => Promise<void>) {
      const isFull = () => running.size >= most || bytesInFlight + bytes > mostBytesInFlight;
      while (running.size > 0 && isFull()) await Promise.race(running);
      check();
      bytesInFlight += bytes;
      const flight = work()
        .catch((error: unknown) => {
          errors.push(error);
        })
        .finally(() => {
          running.delete(flight);
          bytesInFlight -= bytes;
        });
      running.add(flight);
    },
    land: () => Promise.all(running),
  };
}
