import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { makeBandwidth } from "../../../src/core/bandwidth.ts";
import { parseRate } from "../../../src/core/rate.ts";

let now = 0;

beforeEach(() => {
  now = 0;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => void vi.useRealTimers());

const bandwidthOf = (limit?: number) => makeBandwidth(() => now, limit);

/** Lets time pass, by one millisecond after another. */
async function pass(milliseconds: number) {
  for (let at = 0; at < milliseconds; at++) {
    now++;
    await vi.advanceTimersByTimeAsync(1);
  }
}

/** Sends one piece after another, and counts its bytes. */
function sender(bandwidth: ReturnType<typeof bandwidthOf>, piece: number) {
  const sent = { bytes: 0 };
  async function send() {
    for (;;) {
      await bandwidth.take(piece);
      sent.bytes += piece;
    }
  }
  void send();
  return sent;
}

it("lets as much through as the limit allows, whatever the size of the pieces", async () => {
  for (const piece of [100, 64_000]) {
    const sent = sender(bandwidthOf(100_000), piece);
    await pass(10_000);
    expect(sent.bytes).toBeGreaterThanOrEqual(1_000_000 - piece);
    expect(sent.bytes).toBeLessThanOrEqual(1_000_000 + 10_000 + piece);
  }
});

it("does not make up for the time in which nothing was sent", async () => {
  const bandwidth = bandwidthOf(100_000);
  await pass(60_000);
  const sent = sender(bandwidth, 1000);
  await pass(1000);
  expect(sent.bytes).toBeLessThanOrEqual(112_000);
});

it("gives several streams the same share", async () => {
  const bandwidth = bandwidthOf(300_000);
  const all = [1, 2, 3].map(() => sender(bandwidth, 10_000));
  await pass(10_000);
  for (const { bytes } of all) expect(bytes / 1_000_000).toBeCloseTo(1, 1);
});

it("holds a new limit at once, also for who waits under the old one", async () => {
  const bandwidth = bandwidthOf(10);
  const sent = sender(bandwidth, 1000);
  await pass(5000);
  expect(sent.bytes).toBe(1000);
  bandwidth.set(100_000);
  await pass(1000);
  expect(sent.bytes).toBeGreaterThan(95_000);
  bandwidth.set(10);
  const before = sent.bytes;
  await pass(1000);
  expect(sent.bytes - before).toBeLessThanOrEqual(1000);
});

it("lets all go that waits once there is no limit", async () => {
  const bandwidth = bandwidthOf(1);
  const waiting = [5, 6, 7].map((bytes) => bandwidth.take(bytes));
  bandwidth.set(undefined);
  await Promise.all(waiting);
  expect(bandwidth.limit).toBeUndefined();
});

it("does not count what is no longer to be sent", async () => {
  const bandwidth = bandwidthOf(1000);
  await bandwidth.take(1000);
  const left = new AbortController();
  const gone = bandwidth.take(1_000_000, left.signal);
  const sent = sender(bandwidth, 100);
  left.abort();
  await gone;
  await pass(2000);
  expect(sent.bytes).toBeGreaterThanOrEqual(900);
});

it("tells of a change once", () => {
  const bandwidth = bandwidthOf(1000);
  const [before, same] = [bandwidth.changed(), bandwidth.changed()];
  bandwidth.set(1000);
  expect(before.aborted).toBe(false);
  bandwidth.set(2000);
  expect([before.aborted, same.aborted, bandwidth.changed().aborted]).toEqual([true, true, false]);
});

it.each([
  ["0", 0],
  ["500", 500],
  ["500K", 500],
  ["1.5m", 1536],
  ["1G", 1024 * 1024],
  ["1024KB", 1000],
  ["fast", undefined],
  ["-1", undefined],
  ["0.5", undefined],
  ["", undefined],
  ["5 M/s", undefined],
])("reads the rate %j as rsync does", (text, rate) => {
  expect(parseRate(text)).toBe(rate);
});
