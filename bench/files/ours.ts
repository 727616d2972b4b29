import { rm } from "node:fs/promises";
import { join } from "node:path";
import { statusOnVolume } from "../../test/support/cluster-run.ts";
import type { BenchBed } from "../cluster/bed.ts";
import { type PodWatch, watchPods } from "../cluster/watch-pods.ts";
import type { Cost } from "../common/measure.ts";

export type Transport = "direct" | "exec";

/** What one migration of files took. */
export interface OurCost {
  /** From the beginning of the inventory to the end of the copy, all of it on the disk. */
  copied: Cost;
  /** To the end of the verification: sizes, times and hashes of all that was written. */
  verified: Cost;
  /** Milliseconds of each step. */
  steps: Record<string, number>;
}

const name = "bench";

/** Runs a migration of files and measures the steps from the inventory on. */
export async function migrate(
  bed: BenchBed,
  transport: Transport,
  ...more: string[]
): Promise<OurCost> {
  const flags = ["--migrationType", "files", "--name", name, "--transport", transport];
  const watch = watchPods();
  try {
    const ran = await bed.migctl("start", ...flags, ...more, "--wait", "-o", "json");
    if (ran.code !== 0) throw new Error(`migctl ended with ${ran.code}:\n${ran.stderr}`);
  } finally {
    watch.stop();
  }
  return costOf(bed, watch);
}

/** As if nothing had ever been moved. */
export async function forget(bed: BenchBed) {
  await bed.migctl("delete", "--name", name);
  await rm(join(bed.source.data, "logs/migrations"), { recursive: true, force: true });
}

function costOf(bed: BenchBed, watch: PodWatch): OurCost {
  const status = statusOnVolume(bed, name);
  const steps = status?.items.flatMap((item) => item.steps) ?? [];
  const timesOf = (kind: string) => {
    const step = steps.findLast((one) => one.kind === kind);
    const { startedAt, finishedAt } = step ?? {};
    if (startedAt === undefined || finishedAt === undefined) throw new Error(`No step ${kind}`);
    return { startedAt, finishedAt };
  };
  const { startedAt } = timesOf("inventory");
  const until = (end: number): Cost => ({
    wallMs: end - startedAt,
    cpuMs: watch.cpuMs(startedAt, end),
    peakRssBytes: watch.peakRssBytes(),
  });
  return {
    copied: until(timesOf("files-sync").finishedAt),
    verified: until(timesOf("files-verify").finishedAt),
    steps: Object.fromEntries(steps.map(({ kind, milliseconds = 0 }) => [kind, milliseconds])),
  };
}
