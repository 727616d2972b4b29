import { expect, it } from "vitest";
import { type Retrying, retry } from "../../../src/core/retry.ts";

/** A clock that goes on by `step` with each look at it. */
function settings(step: number, changes: Partial<Retrying> = {}): Retrying {
  let now = 0;
  const elapsed = () => {
    now += step;
    return now;
  };
  const { signal } = new AbortController();
  const clock = { now: () => 0, elapsed };
  return { clock, signal, budget: 1000, mayPass: () => true, ...changes };
}

function failing(times: number, error = new Error("away")) {
  let calls = 0;
  async function work() {
    if (calls++ < times) throw error;
    return "done";
  }
  return { work, calls: () => calls };
}

it("repeats what may pass until it is done, and tells of each failure", async () => {
  const told: unknown[] = [];
  const { work, calls } = failing(2);
  const onRetry = (error: unknown) => told.push(error);
  expect(await retry(settings(1, { onRetry }), work)).toBe("done");
  expect(calls()).toBe(3);
  expect(told).toHaveLength(2);
});

it("throws at once what will not pass", async () => {
  const { work, calls } = failing(1, new Error("refused"));
  await expect(retry(settings(1, { mayPass: () => false }), work)).rejects.toThrow("refused");
  expect(calls()).toBe(1);
});

it("throws the last error once the time since the first failure is over", async () => {
  const { work, calls } = failing(10);
  await expect(retry(settings(600), work)).rejects.toThrow("away");
  expect(calls()).toBe(3);
});

it("gives the whole time anew to work that got further", async () => {
  let calls = 0;
  const done = retry(settings(600), async (progressed) => {
    if (++calls < 5) {
      progressed();
      throw new Error("away");
    }
    return calls;
  });
  expect(await done).toBe(5);
});

it("stops waiting when it is told to, and does not begin again", async () => {
  const stop = new AbortController();
  const { work, calls } = failing(10);
  const onRetry = () => stop.abort();
  const waiting = retry(settings(1, { signal: stop.signal, onRetry }), work);
  await expect(waiting).rejects.toThrow("away");
  expect(calls()).toBe(1);
});
