import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { machineLimits } from "../../../src/core/machine-limits.ts";
import { stepsAtOnce } from "../../../src/manager/steps-at-once.ts";
import { tempDir } from "../../support/temp-dir.ts";

const mib = 1024 * 1024;
const all = availableParallelism();

function cgroup(files: Record<string, string>): string {
  const root = tempDir();
  mkdirSync(join(root, "cpu"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), `${text}\n`);
  return root;
}

it.each([
  ["a quota of version 2", { "cpu.max": "50000 100000" }, 0.5],
  ["no quota of version 2", { "cpu.max": "max 100000" }, all],
  [
    "a quota of version 1",
    { "cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000" },
    0.5,
  ],
  [
    "no quota of version 1",
    { "cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000" },
    all,
  ],
  ["more than there are", { "cpu.max": "99000000 100000" }, all],
  ["nothing at all", {}, all],
])("reads how many processors a container may use: %s", (_, files, cpus) => {
  expect(machineLimits(cgroup(files as Record<string, string>)).cpus).toBe(cpus);
});

it("finds a limit of memory that a process can have", () => {
  const { memoryBytes } = machineLimits();
  expect(memoryBytes).toBeGreaterThan(100 * mib);
  expect(Number.isSafeInteger(memoryBytes)).toBe(true);
});

it.each([
  [{ cpus: 2, memoryBytes: 1024 * mib }, 2],
  [{ cpus: 16, memoryBytes: 384 * mib }, 2],
  [{ cpus: 1, memoryBytes: 1024 * mib }, 1],
  [{ cpus: 2, memoryBytes: 256 * mib }, 1],
])("runs with %o so many steps at once: %i", (limits, steps) => {
  expect(stepsAtOnce(limits)).toBe(steps);
});
