import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { z } from "zod";
import { codeOf } from "../core/errors.ts";
import { statFields } from "../core/process-stat.ts";

/** A process, told apart from every other one, also from a later one with the same number. */
export const LockOwner = z.object({
  host: z.string(),
  /** The namespace that `pid` counts in; each container has its own. */
  namespace: z.string(),
  boot: z.string(),
  pid: z.number().int().positive(),
  /** Clock ticks between the boot and the start of the process. */
  started: z.string(),
});
export type LockOwner = z.infer<typeof LockOwner>;

export function currentOwner(): LockOwner {
  return {
    host: hostname(),
    namespace: readlinkSync("/proc/self/ns/pid"),
    boot: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    pid: process.pid,
    started: readProcess("self")?.started ?? "",
  };
}

/** Whether `owner` lives, or undefined when that cannot be seen from where `self` is. */
export function isAlive(owner: LockOwner, self: LockOwner): boolean | undefined {
  const visible =
    owner.host === self.host && owner.namespace === self.namespace && owner.boot === self.boot;
  if (!visible) return undefined;
  const found = readProcess(String(owner.pid));
  return found !== undefined && found.started === owner.started && !"ZX".includes(found.state);
}

function readProcess(pid: string): { state: string; started: string } | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ESRCH") return undefined;
    throw error;
  }
  const fields = statFields(stat);
  return { state: fields[0] ?? "", started: fields[19] ?? "" };
}
