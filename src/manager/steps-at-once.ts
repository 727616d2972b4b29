import type { MachineLimits } from "../core/machine-limits.ts";

/** What a copy of files and a backup take together at most, with room for what the kernel counts. */
const memoryForTwo = 384 * 1024 * 1024;

/** How many steps may run at once: two where there is a processor, and memory, for each. */
export function stepsAtOnce({ cpus, memoryBytes }: MachineLimits): number {
  return cpus > 1 && memoryBytes >= memoryForTwo ? 2 : 1;
}
