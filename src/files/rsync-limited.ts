import { type ProcessResult, runProcess } from "../core/process.ts";
import type { Pacing } from "./paced.ts";

interface LimitedRun {
  signal: AbortSignal;
  pacing?: Pacing;
}

/**
 * Runs an rsync whose bytes do not go through us: it limits itself. Where the limit changes it is
 * ended, and another one goes on with what is left under the new one.
 */
export async function runLimited(
  args: readonly string[],
  { signal, pacing: { bandwidth } = {} }: LimitedRun,
  onOutput: (text: string) => void,
): Promise<ProcessResult> {
  if (bandwidth === undefined) return await runProcess("rsync", args, { signal, onOutput });
  for (;;) {
    const changed = bandwidth.changed();
    const either = AbortSignal.any([signal, changed]);
    const limited = [...limitFlags(bandwidth.limit), ...args];
    const result = await runProcess("rsync", limited, { signal: either, onOutput });
    if (signal.aborted || !changed.aborted || result.exitCode === 0) return result;
  }
}

/** rsync counts in KiB, and takes 0 for no limit. */
function limitFlags(limit: number | undefined): string[] {
  return limit === undefined ? [] : [`--bwlimit=${Math.max(1, Math.round(limit / 1024))}`];
}
