import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { type Bandwidth, makeBandwidth } from "../../src/core/bandwidth.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { Progress } from "../../src/core/progress.ts";
import { openLocalDestination } from "../../src/files/local-destination.ts";
import { type OpenLedger, openLedger } from "../../src/state/ledger.ts";
import { unguarded } from "../../src/workers/context.ts";
import { tempDir } from "../support/temp-dir.ts";
import { type Settings, type Steps, stepsOf, wholeTree } from "./files-steps.ts";

export interface Rig {
  source: string;
  destination: string;
  work: string;
  ledger: OpenLedger;
  progress: Progress[];
  steps(settings?: Partial<Settings>, signal?: AbortSignal): Steps;
  /** All steps of one run; what the comparison, the copies and the verification returned. */
  migrate(settings?: Partial<Settings>): Promise<Migrated>;
  findings(): Record<string, unknown>[];
}

interface Migrated {
  compared: Awaited<ReturnType<Steps["compare"]>>;
  synced: Awaited<ReturnType<Steps["sync"]>>;
  tarred: Awaited<ReturnType<Steps["tar"]>>;
  verified: Awaited<ReturnType<Steps["verify"]>>;
}

/** So many KiB each second. */
export function limited(rate: number): Bandwidth {
  return makeBandwidth(systemClock.elapsed, rate * 1024);
}

/** Two folders and a real ledger, for the running test. */
export async function makeRig(base = tempDir()): Promise<Rig> {
  const [source, destination, work] = ["-so:urce", "-desti:nation", "work"].map((name) => {
    const path = join(base, name);
    mkdirSync(path, { recursive: true });
    return path;
  }) as [string, string, string];
  const { signal: never } = new AbortController();
  const ledger = await openLedger(join(base, "ledger"), { clock: systemClock, signal: never });
  onTestFinished(() => ledger.close());
  const progress: Progress[] = [];
  const base_: Settings = { source, destination, work, run: "one", selection: wholeTree };
  function steps(settings: Partial<Settings> = {}, signal = never): Steps {
    const all = { ...base_, ...settings };
    const log = pino({ level: "silent" });
    const report = (now: Progress) => progress.push(now);
    const { run, retryBudget = 60_000, to = openLocalDestination(all.destination) } = all;
    const { bandwidth } = all;
    const ports = { log, clock: systemClock, signal, report, run, ledger, retryBudget, bandwidth };
    const guard = unguarded;
    return stepsOf(all, { ...ports, guard, destination: to });
  }
  async function migrate(settings: Partial<Settings> = {}): Promise<Migrated> {
    const { inventory, compare, sync, tar, verify } = steps(settings);
    await inventory();
    const compared = await compare();
    const synced = await sync();
    const tarred = await tar();
    return { compared, synced, tarred, verified: await verify() };
  }
  function findings() {
    const text = readFileSync(join(work, "files-conflicts.ndjson"), "utf8");
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }
  return { source, destination, work, ledger, progress, steps, migrate, findings };
}

/** What rsync itself, asked for everything it can compare, would still change: nothing, if equal. */
export function rsyncDifferences(source: string, destination: string, ...extra: string[]): string {
  const compare = ["-naicHAXS", "--numeric-ids", "--modify-window=-1", "--delete", ...extra];
  return execFileSync("rsync", [...compare, "--", `${source}/`, `${destination}/`]).toString();
}

export const isRoot = process.geteuid?.() === 0;

/** Mounts a small volume there; says why not, where that is not allowed. */
export function mountSmall(folder: string, size: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "small", folder], {
      stdio: "pipe",
    });
  } catch (error) {
    if (process.env["CI"]) throw error;
    process.stderr.write(`skipped: no small volume can be mounted here: ${String(error)}\n`);
    return false;
  }
  onTestFinished(() => {
    // A test may have taken it away itself.
    spawnSync("umount", ["-l", folder]);
  });
  return true;
}
