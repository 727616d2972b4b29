import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import type { MigrationError } from "../../src/core/errors.ts";
import type { LockPlace } from "../../src/core/lock-place.ts";
import type { Claim, ClaimOptions } from "../../src/state/claim.ts";
import { claimDestination } from "../../src/state/destination-lock.ts";
import { currentOwner } from "../../src/state/lock-owner.ts";

const { signal } = new AbortController();
const here = currentOwner();
const elsewhere = { ...here, host: "elsewhere" };
/** Beats never while a test runs, as one that sleeps. */
const asleep = { owner: elsewhere, beatMilliseconds: 1e8 };

function claimOf(...scopes: string[]): Claim {
  return { name: randomUUID(), migration: `shop-${scopes.join("-")}`, scopes };
}

function options(extra: Partial<ClaimOptions> = {}): ClaimOptions {
  const times = { beatMilliseconds: 10, pollMilliseconds: 10, staleMilliseconds: 60_000 };
  return { label: "place", clock: systemClock, signal, ...times, ...extra };
}

/** What is a minute for people, for a test. */
const soon = { staleMilliseconds: 60 };

/**
 * What the lock of a destination must do, wherever it is kept. `open` gives a place for the running
 * test; `isEmpty` tells whether all that was made there is gone.
 */
export function testDestinationLock(
  open: () => Promise<{ place: LockPlace; isEmpty(): Promise<boolean> }>,
) {
  it("keeps out who writes the same, names the holder, and leaves nothing", async () => {
    const { place, isEmpty } = await open();
    const held = await claimDestination(place, claimOf("user:jane", "user:joe"), options());
    for (const scopes of [["user:joe"], ["server"], ["user:ann", "user:jane"]]) {
      await expect(claimDestination(place, claimOf(...scopes), options())).rejects.toMatchObject({
        code: "E_LOCKED",
        message: expect.stringContaining(
          `"place" is in use by the migration "shop-user:jane-user:joe" of user:jane, user:joe: process ${process.pid}`,
        ),
      });
    }
    const beside = await claimDestination(place, claimOf("user:ann"), options());
    await held.guard();
    await beside.guard();
    await held.release();
    await expect(claimDestination(place, claimOf("server"), options())).rejects.toMatchObject({
      code: "E_LOCKED",
      fields: { migration: "shop-user:ann" },
    });
    await beside.release();
    expect(await isEmpty()).toBe(true);
  });

  it("lets a whole server have it alone", async () => {
    const { place } = await open();
    const held = await claimDestination(place, claimOf("server"), options());
    const claim = claimOf("project-group:5d1f");
    await expect(claimDestination(place, claim, options())).rejects.toMatchObject({
      code: "E_LOCKED",
    });
    await held.release();
  });

  it("waits as long as it is told, and says for whom", async () => {
    const { place } = await open();
    const held = await claimDestination(place, claimOf("server"), options());
    const told: string[] = [];
    setTimeout(() => held.release(), 100);
    const onWaiting = (holder: string) => told.push(holder);
    const waited = options({ waitSeconds: 10, onWaiting });
    const next = await claimDestination(place, claimOf("server"), waited);
    expect(told).toEqual([expect.stringContaining('the migration "shop-server" of server')]);
    await next.release();
  });

  it("follows a holder elsewhere that is silent, which then is told so and gets no other's", async () => {
    const { place, isEmpty } = await open();
    const lost: MigrationError[] = [];
    const onLost = (error: MigrationError) => lost.push(error);
    const old = await claimDestination(place, claimOf("server"), options({ ...asleep, onLost }));
    await old.guard();
    const lock = await claimDestination(place, claimOf("user:jane"), options(soon));
    await expect(old.guard()).rejects.toMatchObject({
      code: "E_LOCKED",
      message: expect.stringContaining('was lost to the migration "shop-user:jane"'),
    });
    await expect(old.guard()).rejects.toMatchObject({ code: "E_LOCKED" });
    expect(lost).toHaveLength(1);
    await old.release();
    await lock.guard();
    await lock.release();
    expect(await isEmpty()).toBe(true);
  });

  it("tells a holder that wakes by its next beat", async () => {
    const { place } = await open();
    const told = Promise.withResolvers<MigrationError>();
    const woken = { owner: elsewhere, beatMilliseconds: 300, onLost: told.resolve };
    const old = await claimDestination(place, claimOf("server"), options(woken));
    const lock = await claimDestination(place, claimOf("server"), options(soon));
    expect(await told.promise).toMatchObject({ code: "E_LOCKED" });
    await old.release();
    await lock.release();
  });

  it.each([-3_600_000, 3_600_000])("robs nobody by a clock that is %i ms off", async (offset) => {
    const { place } = await open();
    const clock: Clock = { ...systemClock, now: () => Date.now() + offset };
    const far = options({ clock, owner: elsewhere, staleMilliseconds: 400 });
    const held = await claimDestination(place, claimOf("server"), far);
    const near = options({ staleMilliseconds: 400 });
    await expect(claimDestination(place, claimOf("server"), near)).rejects.toMatchObject({
      code: "E_LOCKED",
    });
    await held.guard();
    await held.release();
  });

  it("follows a dead process of this machine at once", async () => {
    const { place, isEmpty } = await open();
    const dead = { owner: { ...here, started: "1" }, beatMilliseconds: 1e8 };
    await claimDestination(place, claimOf("server"), options(dead));
    const lock = await claimDestination(place, claimOf("server"), options());
    await lock.release();
    expect(await isEmpty()).toBe(true);
  });

  it("follows who died while it made its lock, and takes no half of one for none", async () => {
    const { place, isEmpty } = await open();
    await place.create(randomUUID(), "");
    const begin = performance.now();
    const lock = await claimDestination(place, claimOf("user:jane"), options(soon));
    expect(performance.now() - begin).toBeGreaterThan(50);
    await lock.release();
    expect(await isEmpty()).toBe(true);
  });

  it("is lost only to another one: not to a place that is away for a while", async () => {
    const { place } = await open();
    let isAway = false;
    const away = async () => {
      throw new Error("away");
    };
    const flaky: LockPlace = {
      ...place,
      read: (lock) => (isAway ? away() : place.read(lock)),
      write: (lock, text) => (isAway ? away() : place.write(lock, text)),
    };
    const held = await claimDestination(flaky, claimOf("server"), options());
    isAway = true;
    await sleep(50);
    await expect(held.guard()).rejects.toThrow("away");
    isAway = false;
    await held.guard();
    await held.release();
  });

  it("lets one of five in at a time", async () => {
    const { place, isEmpty } = await open();
    let inside = 0;
    let turns = 0;
    async function take() {
      const waiting = options({ waitSeconds: 60, pollMilliseconds: 20 });
      const lock = await claimDestination(place, claimOf("server"), waiting);
      expect(++inside).toBe(1);
      await sleep(3);
      await lock.guard();
      inside--;
      turns++;
      await lock.release();
    }
    await Promise.all(Array.from({ length: 5 }, take));
    expect(turns).toBe(5);
    expect(await isEmpty()).toBe(true);
  });
}
