import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";

/** What a process may use of its machine: of all of it, or of what its container is limited to. */
export interface MachineLimits {
  cpus: number;
  memoryBytes: number;
}

/**
 * The limits of this process. Node knows a container's limit of memory, but not in each version of
 * cgroups that of processors, so the files that the kernel shows in a container are read as well.
 */
export function machineLimits(root = "/sys/fs/cgroup"): MachineLimits {
  const constrained = process.constrainedMemory();
  const limit = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return { cpus: Math.min(availableParallelism(), quotaOf(root)), memoryBytes: limit };
}

/** Processors that the container may use, by version 2 of cgroups, else by version 1. */
function quotaOf(root: string): number {
  const [quota, period] = read(root, "cpu.max")?.split(" ") ?? [
    read(root, "cpu/cpu.cfs_quota_us"),
    read(root, "cpu/cpu.cfs_period_us"),
  ];
  const cpus = Number(quota) / Number(period);
  // "max" and -1 stand for no limit.
  return cpus > 0 ? cpus : Number.POSITIVE_INFINITY;
}

function read(root: string, name: string): string | undefined {
  try {
    return readFileSync(join(root, name), "utf8").trim();
  } catch {
    return undefined;
  }
}
