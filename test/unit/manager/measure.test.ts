import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import { makeMeasure } from "../../../src/manager/profile/measure.ts";
import { StepProfile } from "../../../src/state/step-profile.ts";

/** A program with a child that does the work, as rsync has them; it ends by itself. */
function busyProgram() {
  const work = "while (process.cpuUsage().user < 300_000);";
  const inner = `"${process.execPath}" -e "${work}"`;
  return spawn("sh", ["-c", `${inner}; true`], { stdio: "ignore" });
}

it("tells what the programs of a step took, also those that have ended", async () => {
  const measure = makeMeasure(systemClock);
  const copy = measure("files-sync");
  const backup = measure("db-backup");
  await once(busyProgram(), "close");
  const [ofCopy, ofBackup] = [copy.end(), backup.end()];
  expect(StepProfile.parse(ofCopy)).toEqual(ofCopy);
  expect(ofCopy.cpu.programs).toBeGreaterThan(250);
  expect(ofCopy.busiestProgram).toBeGreaterThan(50);
  expect(ofCopy.busiestProgram).toBeLessThanOrEqual(ofCopy.cpu.programs);
  expect(ofCopy.peakRss.programs).toBeGreaterThan(10_000_000);
  expect([ofCopy.shared, ofBackup.shared]).toEqual([true, true]);
  expect([ofBackup.cpu.programs, ofBackup.busiestProgram]).toEqual([0, 0]);
});

it("tells how busy the main thread was, and what of that it computed", async () => {
  const measured = makeMeasure(systemClock)("inventory");
  await sleep(1);
  const end = performance.now() + 300;
  while (performance.now() < end);
  await sleep(200);
  const { thread, cpu, shared, peakRss } = measured.end();
  expect(thread.busy).toBeGreaterThanOrEqual(290);
  expect(thread.cpu + thread.queued).toBeGreaterThan(200);
  expect(cpu.manager).toBeGreaterThan(20);
  expect(peakRss.manager).toBeGreaterThan(10_000_000);
  expect(shared).toBe(false);
});
