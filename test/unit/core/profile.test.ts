import { expect, it } from "vitest";
import { makeProfile, waitingForEach } from "../../../src/core/profile.ts";

/** A profile whose clock stands still until it is told how late it is. */
function profileAt() {
  const clock = { now: 0 };
  return { clock, profile: makeProfile(() => clock.now) };
}

it("counts what is waited for twice at once only once", async () => {
  const { clock, profile } = profileAt();
  const [one, other] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const first = profile.waiting("destinationDatabase", one.promise);
  clock.now = 100;
  const second = profile.waiting("destinationDatabase", other.promise);
  clock.now = 300;
  one.resolve();
  await first;
  clock.now = 400;
  other.reject(new Error("refused"));
  await expect(second).rejects.toThrow("refused");
  clock.now = 1000;
  expect(profile.result().waits).toEqual({ destinationDatabase: 400 });
});

it("tells the mean of a depth by how long it lasted, and the most", () => {
  const { clock, profile } = profileAt();
  clock.now = 500;
  profile.depth("batchesInFlight", 4);
  clock.now = 750;
  profile.depth("batchesInFlight", -3);
  clock.now = 1000;
  expect(profile.result().depths).toEqual({ batchesInFlight: { mean: 1.3, most: 4 } });
});

it("counts the time until each value comes, not that in which it is worked on", async () => {
  const { clock, profile } = profileAt();
  let isClosed = false;
  async function* values() {
    try {
      for (let at = 0; at < 10; at++) {
        await Promise.resolve();
        clock.now += 20;
        yield at;
      }
    } finally {
      isClosed = true;
    }
  }
  const seen: number[] = [];
  for await (const value of waitingForEach(values(), "archive", profile)) {
    seen.push(value);
    clock.now += 1000;
    if (value === 2) break;
  }
  expect(seen).toEqual([0, 1, 2]);
  expect(isClosed).toBe(true);
  expect(profile.result().waits).toEqual({ archive: 60 });
});
