import { spawn } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import type { MigrationError } from "../../../src/core/errors.ts";
import { armFailpoints } from "../../../src/core/failpoints.ts";
import { acquireLock, type LockOptions } from "../../../src/state/lock.ts";
import { findLock } from "../../../src/state/lock-file.ts";
import { currentOwner } from "../../../src/state/lock-owner.ts";
import { watchHolder } from "../../../src/state/lock-watch.ts";
import { tempDir } from "../../support/temp-dir.ts";

const { signal } = new AbortController();
const elsewhere = { ...currentOwner(), host: "elsewhere" };

function options(extra: Partial<LockOptions> = {}): LockOptions {
  return { clock: systemClock, signal, pollMilliseconds: 5, beatMilliseconds: 5, ...extra };
}

/** A clock that a test moves on; an hour of wall clock off at each look. */
function handClock() {
  const time = { elapsed: 0, wall: 1_000_000_000 };
  const clock = { now: () => (time.wall -= 3_600_000), elapsed: () => time.elapsed };
  return { clock, time };
}

it("names the holder to who comes later, and is free after its release", async () => {
  const folder = tempDir();
  const first = await acquireLock(folder, options());
  const { pid, host } = currentOwner();
  await expect(acquireLock(folder, options())).rejects.toMatchObject({
    code: "E_LOCKED",
    message: expect.stringContaining(`in use by process ${pid} on host "${host}" since 20`),
    fields: { host, pid },
  });
  first.check();
  await first.release();
  await first.release();
  expect(() => first.check()).toThrow(expect.objectContaining({ code: "E_LOCKED" }));
  const second = await acquireLock(folder, options());
  expect([first.fencing, second.fencing]).toEqual([1, 2]);
  expect(readdirSync(join(folder, "lock"))).toEqual(["2"]);
  await second.release();
});

it("waits for a holder that lives as long as it is told", async () => {
  const folder = tempDir();
  const first = await acquireLock(folder, options());
  setTimeout(() => first.release(), 100);
  const second = await acquireLock(folder, options({ waitSeconds: 10 }));
  expect(second.fencing).toBe(2);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 50);
  const third = acquireLock(folder, options({ waitSeconds: 10, signal: stop.signal }));
  await expect(third).rejects.toMatchObject({ code: "E_INTERRUPTED" });
  await second.release();
});

it("follows a dead process of this machine at once, also when its number is in use again", async () => {
  const folder = tempDir();
  const recycled = { ...currentOwner(), started: "1" };
  await acquireLock(folder, options({ owner: recycled }));
  const lock = await acquireLock(folder, options());
  expect(lock.fencing).toBe(2);
  await lock.release();
});

it("never robs a stopped process of this machine", async () => {
  const folder = tempDir();
  const child = spawn("sleep", ["100"]);
  onTestFinished(() => void child.kill("SIGKILL"));
  const pid = child.pid ?? 0;
  child.kill("SIGSTOP");
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const started = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  const owner = { ...currentOwner(), pid, started };
  const held = await acquireLock(folder, options({ owner, beatMilliseconds: 1e8 }));
  await expect(acquireLock(folder, options({ staleMilliseconds: 1 }))).rejects.toMatchObject({
    code: "E_LOCKED",
    fields: { pid },
  });
  held.check();
});

async function watchElsewhere() {
  const folder = tempDir();
  const held = await acquireLock(folder, options({ owner: elsewhere, beatMilliseconds: 1e8 }));
  const found = await findLock(join(folder, "lock"));
  if (found === undefined) throw new Error("No lock");
  const { clock, time } = handClock();
  const owner = currentOwner();
  const judge = watchHolder({ clock, owner, pollMilliseconds: 1000, staleMilliseconds: 60_000 });
  return { held, found, time, judge };
}

it("takes a holder elsewhere for dead after a whole minute without a sign of life", async () => {
  const { held, found, time, judge } = await watchElsewhere();
  for (; time.elapsed < 60_000; time.elapsed += 1000) expect(judge(found)).toBe("unknown");
  expect(judge({ ...found, text: `${found.text} ` })).toBe("alive");
  for (time.elapsed += 1000; time.elapsed < 120_000; time.elapsed += 1000) {
    expect(judge({ ...found, text: `${found.text} ` })).toBe("unknown");
  }
  expect(judge({ ...found, text: `${found.text} ` })).toBe("dead");
  await held.release();
});

it("begins to watch anew when the lock changes hands", async () => {
  const { held, found, time, judge } = await watchElsewhere();
  for (; time.elapsed < 59_000; time.elapsed += 1000) judge(found);
  const other = { ...found, fencing: found.fencing + 1 };
  for (let look = 0; look < 60; look += 1, time.elapsed += 1000) {
    expect(judge(other)).toBe("unknown");
  }
  expect(judge(other)).toBe("dead");
  await held.release();
});

it("holds against a holder elsewhere that beats", async () => {
  const folder = tempDir();
  const held = await acquireLock(folder, options({ owner: elsewhere }));
  await expect(acquireLock(folder, options())).rejects.toMatchObject({ code: "E_LOCKED" });
  held.check();
  await held.release();
});

it("does not count a pause of its own as silence of the holder", async () => {
  const folder = tempDir();
  const { clock, time } = handClock();
  const held = await acquireLock(folder, options({ owner: elsewhere, beatMilliseconds: 1e8 }));
  const stop = new AbortController();
  const attempt = acquireLock(folder, options({ clock, signal: stop.signal }));
  await sleep(30);
  time.elapsed = 3_600_000;
  await sleep(30);
  held.check();
  stop.abort();
  await expect(attempt).rejects.toMatchObject({ code: "E_INTERRUPTED" });
  await held.release();
});

it("tells a holder that comes back late that it lost the lock, and releases only its own", async () => {
  const folder = tempDir();
  const old = await acquireLock(folder, options({ owner: elsewhere, beatMilliseconds: 1e8 }));
  const lock = await acquireLock(folder, options({ staleMilliseconds: 20 }));
  expect(() => old.check()).toThrow(expect.objectContaining({ code: "E_LOCKED" }));
  await old.release();
  lock.check();
  expect(lock.fencing).toBe(old.fencing + 1);
  rmSync(join(folder, "lock"), { recursive: true });
  expect(() => lock.check()).toThrow(expect.objectContaining({ code: "E_LOCKED" }));
  await lock.release();
});

it("tells a holder that wakes that it lost the lock, before anybody asks", async () => {
  const folder = tempDir();
  const told = Promise.withResolvers<MigrationError>();
  const woken = { owner: elsewhere, beatMilliseconds: 200, onLost: told.resolve };
  const old = await acquireLock(folder, options(woken));
  const lock = await acquireLock(folder, options({ staleMilliseconds: 20 }));
  expect(lock.followed).toContain('on host "elsewhere"');
  expect(await told.promise).toMatchObject({ code: "E_LOCKED" });
  await old.release();
  await lock.release();
});

it("does not hold for ever where no sign of life can be written", async () => {
  const folder = tempDir();
  const arm = (faults: string) =>
    armFailpoints({ MIGCTL_ENABLE_FAILPOINTS: "1", MIGCTL_FAILPOINTS: faults });
  onTestFinished(() => arm(""));
  const { clock, time } = handClock();
  const told = Promise.withResolvers<MigrationError>();
  const held = await acquireLock(folder, options({ clock, onLost: told.resolve }));
  arm("lock.beforeWrite=throw:EIO");
  await sleep(30);
  time.elapsed = 59_000;
  held.check();
  time.elapsed = 60_000;
  expect(await told.promise).toMatchObject({
    code: "E_LOCKED",
    message: expect.stringContaining("could not be kept alive"),
    cause: { code: "EIO" },
  });
  arm("");
  await sleep(30);
  held.check();
  await held.release();
});

it("follows a process that died while it made the lock, after the same minute", async () => {
  const folder = tempDir();
  const first = await acquireLock(folder, options());
  await first.release();
  writeFileSync(join(folder, "lock", "2"), "");
  const begin = performance.now();
  const lock = await acquireLock(folder, options({ staleMilliseconds: 100 }));
  expect(performance.now() - begin).toBeGreaterThan(90);
  expect(lock.fencing).toBe(3);
  await lock.release();
});
