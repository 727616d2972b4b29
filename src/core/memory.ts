import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Data that goes by between two collections. */
const collectBytes = 10 * 1024 * 1024;

/**
 * Keeps the memory of a process that streams large buffers flat. Buffers that outlive a few short
 * collections are only freed by a full one, for which V8 sees no reason as long as its own heap is
 * small. One every 10 MiB costs a few hundredths of the time that moving these takes.
 */
function makeCollector(): (bytes: number) => void {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  let passed = 0;
  return (bytes) => {
    passed += bytes;
    if (passed < collectBytes) return;
    passed = 0;
    collect();
  };
}

/** Passes data on and collects what was left behind of it. */
export async function* collecting<T extends { data: Buffer }>(
  batches: AsyncIterable<T>,
): AsyncGenerator<T> {
  const collect = makeCollector();
  for await (const batch of batches) {
    yield batch;
    collect(batch.data.length);
  }
}
