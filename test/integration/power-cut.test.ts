import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { readStatusIfAny } from "../../src/state/recover.ts";
import type { Status } from "../../src/state/status.ts";
import { makeDiskImage, mountImage } from "../support/disk-image.ts";
import { programs, run } from "../support/migration.ts";
import { tempDir } from "../support/temp-dir.ts";
import { isRoot, rsyncDifferences } from "./files-rig.ts";

/** What the disk held when these steps had been called done, and nothing that was only in memory. */
interface Cut {
  image: string;
  done: string[];
}

function doneSteps(status: Status | undefined): string[] {
  const steps = status?.items.flatMap((item) => item.steps) ?? [];
  return steps.filter(({ state }) => state === "done").map(({ id }) => id);
}

/** Without the last one while nothing has followed it: its line may be seen before it is synced. */
function calledDone(status: Status | undefined): string[] {
  const done = doneSteps(status);
  const steps = status?.items.flatMap((item) => item.steps) ?? [];
  const hasFollower = steps.some(({ state }) => state === "running") || status?.state !== "running";
  return hasFollower ? done : done.slice(0, -1);
}

/** Copies the disk each time that a step is called done, while the manager stands still. */
async function cutAtEachStep(flags: string[], folder: string, image: string): Promise<Cut[]> {
  const child = spawn(process.execPath, [programs.migctl, "start", ...flags], { stdio: "ignore" });
  const cuts: Cut[] = [];
  while (child.exitCode === null) {
    await sleep(2);
    const status = await readStatusIfAny(folder);
    if (calledDone(status).length <= (cuts.at(-1)?.done.length ?? 0)) continue;
    const pid = status?.holder?.pid;
    if (pid === undefined || !signal(pid, "SIGSTOP")) continue;
    const done = calledDone(await readStatusIfAny(folder));
    const copy = `${image}-${cuts.length}`;
    execFileSync("cp", ["--sparse=always", image, copy]);
    cuts.push({ image: copy, done });
    signal(pid, "SIGCONT");
  }
  expect(child.exitCode).toBe(0);
  return cuts;
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

// Nothing but what was synced is on the disk: this file system writes by itself every 5 minutes.
it.runIf(isRoot)("has done each step that was called done when the power is cut", async () => {
  const base = tempDir();
  const [file, volume] = [join(base, "image"), join(base, "volume")];
  mkdirSync(volume);
  const image = makeDiskImage(file, volume, 64);
  if (image === undefined) return;
  image.unmount(volume);
  image.mount(volume, "commit=300");
  const [source, destination] = [join(volume, "a"), join(volume, "d")];
  mkdirSync(join(source, "admin/datasets"), { recursive: true });
  mkdirSync(destination);
  for (let at = 0; at < 60; at++) {
    writeFileSync(join(source, "admin/datasets", `f${at}`), Buffer.alloc(40_000, at));
  }
  symlinkSync("f1", join(source, "admin/datasets/link"));
  execFileSync("sync", ["-f", volume]);
  const sides = ["--source-dir", source, "--dest-dir", destination, "--migrationType", "files"];
  const flags = [...sides, "--name", "one", "--verify", "full"];
  const folder = join(source, "logs/migrations/one");
  const cuts = await cutAtEachStep(flags, folder, file);
  image.unmount(volume);
  expect(cuts.length).toBeGreaterThan(3);
  expect(cuts.some(({ done }) => done.includes("files-sync") && !done.includes("report"))).toBe(
    true,
  );
  for (const cut of cuts) {
    mountImage(cut.image, volume);
    const found = await readStatusIfAny(folder);
    expect(doneSteps(found)).toEqual(expect.arrayContaining(cut.done));
    if (cut.done.includes("files-sync")) {
      expect(rsyncDifferences(join(source, "admin"), join(destination, "admin"))).toBe("");
    }
    // Every second one: each is a whole run.
    if (cuts.indexOf(cut) % 2 === 1) {
      image.unmount(volume);
      continue;
    }
    const again = await run("migctl", "start", ...flags, "-o", "json");
    expect(again).toMatchObject({ code: 0 });
    expect(JSON.parse(again.stdout).verdicts ?? {}).not.toMatchObject({ conflict: 1 });
    expect(rsyncDifferences(join(source, "admin"), join(destination, "admin"))).toBe("");
    image.unmount(volume);
  }
});
