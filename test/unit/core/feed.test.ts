import { expect, it } from "vitest";
import { makeFeed } from "../../../src/core/feed.ts";

const { signal } = new AbortController();

async function all(values: AsyncIterable<number>): Promise<number[]> {
  const found: number[] = [];
  for await (const value of values) found.push(value);
  return found;
}

it("gives each reader all values from the first on, those that come later too", async () => {
  const feed = makeFeed<number>();
  feed.push(1);
  const early = all(feed.values(signal));
  await Promise.resolve();
  feed.push(2);
  feed.push(3);
  feed.end();
  expect(await early).toEqual([1, 2, 3]);
  expect(await all(feed.values(signal))).toEqual([1, 2, 3]);
});

it("gives what came before an error, then the error", async () => {
  const feed = makeFeed<number>();
  feed.push(1);
  feed.fail(new Error("broken"));
  const values = feed.values(signal);
  expect(await values.next()).toEqual({ done: false, value: 1 });
  await expect(values.next()).rejects.toThrow("broken");
});

it("does not wait any longer once it is told to stop", async () => {
  const stop = new AbortController();
  const waiting = makeFeed<number>().values(stop.signal).next();
  stop.abort(new Error("stopped"));
  await expect(waiting).rejects.toThrow("stopped");
});
