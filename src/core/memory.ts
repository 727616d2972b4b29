import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** How much may go by between two collections: what waits to be freed counts as used. */
const collectBytes = 8 * 1024 * 1024;

/**
 * V8 counts the memory of buffers against the limit of its own heap, which is small as that heap
 * is: with the usual growth it looks through all of it every few megabytes that go by.
 */
const growthFlag = "--heap-growing-percent=200";

type Collect = (options: { type: "minor" }) => void;

let collect: Collect | undefined;
let passed = 0;

/**
 * Told of the bytes that go by, keeps the memory of a process that streams large buffers flat. They
 * are garbage soon, which a short collection finds at a tenth of what a full one costs; V8 begins
 * one for new objects only, of which there are few.
 */
export function collectAfter(bytes: number) {
  collect ??= makeCollect();
  passed += bytes;
  if (passed < collectBytes) return;
  passed = 0;
  collect({ type: "minor" });
}

function makeCollect(): Collect {
  setFlagsFromString(growthFlag);
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}

/** Passes data on and collects what was left behind of it. */
export async function* collecting<T extends { data: Buffer }>(
  batches: AsyncIterable<T>,
): AsyncGenerator<T> {
  for await (const batch of batches) {
    yield batch;
    collectAfter(batch.data.length);
  }
}
