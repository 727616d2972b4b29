import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MigrationError } from "../../../src/core/errors.ts";
import { type LiveSocket, watchLiveness } from "../../../src/kube/liveness.ts";
import { PassingFailure, waitOf, withRetries } from "../../../src/kube/retry.ts";

class Socket extends EventEmitter implements LiveSocket {
  isPaused = false;
  bufferedAmount = 0;
  pings = 0;
  answers = false;

  ping() {
    this.pings++;
    if (this.answers) this.emit("pong");
  }
}

describe("a peer", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function watched(socket = new Socket()) {
    const reasons: MigrationError[] = [];
    const stop = watchLiveness(socket, { silenceMs: 60_000 }, (reason) => reasons.push(reason));
    return { socket, reasons, stop };
  }

  it("counts as gone after the silence, and is told once", () => {
    const { socket, reasons } = watched();
    vi.advanceTimersByTime(59_000);
    expect(reasons).toEqual([]);
    vi.advanceTimersByTime(600_000);
    expect(reasons.map(({ message }) => message)).toEqual([
      "The API has been silent for 60 seconds",
    ]);
    expect(socket.pings).toBeGreaterThan(3);
  });

  it("is there as long as it answers pings, or we do not read", () => {
    const { socket, reasons } = watched();
    socket.answers = true;
    vi.advanceTimersByTime(600_000);
    socket.answers = false;
    socket.isPaused = true;
    vi.advanceTimersByTime(600_000);
    socket.isPaused = false;
    vi.advanceTimersByTime(50_000);
    expect(reasons).toEqual([]);
  });

  it("has longer while it still has to take what was sent", () => {
    const { socket, reasons } = watched();
    socket.bufferedAmount = 1;
    vi.advanceTimersByTime(290_000);
    expect(reasons).toEqual([]);
    vi.advanceTimersByTime(20_000);
    expect(reasons).toHaveLength(1);
  });

  it("is not asked any more once that was stopped", () => {
    const { reasons, stop } = watched();
    stop();
    vi.advanceTimersByTime(600_000);
    expect(reasons).toEqual([]);
  });
});

describe("retries", () => {
  const policy = { attempts: 4, firstWaitMs: 1000, longestWaitMs: 1500 };
  const hurried = { attempts: 4, firstWaitMs: 0, longestWaitMs: 0 };
  const failure = new MigrationError("E_UNAVAILABLE", "down");

  it.each([
    [1, undefined, 500, 1000],
    [2, undefined, 750, 1500],
    [9, undefined, 750, 1500],
    [1, 10_000, 10_000, 10_000],
    [1, 3_600_000, 60_000, 60_000],
  ])("after attempt %i, asked to wait %s ms, wait %i to %i ms", (attempt, asked, least, most) => {
    const wait = waitOf(policy, attempt, asked);
    expect(wait).toBeGreaterThanOrEqual(least);
    expect(wait).toBeLessThanOrEqual(most);
  });

  it("end with the failure itself once the attempts are spent", async () => {
    let count = 0;
    const work = withRetries(hurried, undefined, async () => {
      count++;
      throw new PassingFailure(failure);
    });
    await expect(work).rejects.toBe(failure);
    expect(count).toBe(4);
  });

  it("do not repeat what cannot pass", async () => {
    const other = new Error("no");
    let count = 0;
    const work = withRetries(hurried, undefined, async () => {
      count++;
      throw other;
    });
    await expect(work).rejects.toBe(other);
    expect(count).toBe(1);
  });

  it("end by the signal while they wait", async () => {
    const stop = new AbortController();
    const patient = { attempts: 2, firstWaitMs: 3_600_000, longestWaitMs: 3_600_000 };
    const work = withRetries(patient, stop.signal, async () => {
      queueMicrotask(() => stop.abort(new Error("enough")));
      throw new PassingFailure(failure);
    });
    await expect(work).rejects.toThrow("enough");
  });
});
