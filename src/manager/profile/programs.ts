import { readFileSync } from "node:fs";
import { statFields } from "../../core/process-stat.ts";

/** A tick of the times in /proc, for every architecture that Node runs on. */
const tickMilliseconds = 10;
const pageBytes = 4096;

/** One process of ours, as /proc tells. */
export interface ProgramNow {
  pid: number;
  /** 1 for what we started, 2 for what that started. */
  depth: number;
  cpuMilliseconds: number;
  rssBytes: number;
  /** It waits for a disk. */
  onDisk: boolean;
}

/** The processes that we started, and what those started; none where the kernel does not tell. */
export function programsNow(): ProgramNow[] {
  const found: ProgramNow[] = [];
  const open = [{ pid: process.pid, depth: 0 }];
  for (const { pid, depth } of open) {
    if (depth > 0) found.push(...programOf(pid, depth));
    for (const child of childrenOf(pid)) open.push({ pid: child, depth: depth + 1 });
  }
  return found;
}

function childrenOf(pid: number): number[] {
  const text = read(`/proc/${pid}/task/${pid}/children`)?.trim() ?? "";
  return text === "" ? [] : text.split(" ").map(Number);
}

function programOf(pid: number, depth: number): ProgramNow[] {
  const fields = fieldsOf(pid);
  if (fields === undefined) return [];
  const [state, user, system, pages] = [0, 11, 12, 21].map((at) => fields[at]);
  return [
    {
      ...{ pid, depth, onDisk: state === "D" },
      cpuMilliseconds: (Number(user) + Number(system)) * tickMilliseconds,
      rssBytes: Number(pages) * pageBytes,
    },
  ];
}

/** User and system time of all programs of ours that have ended. */
export function endedProgramsMilliseconds(): number {
  const fields = fieldsOf(process.pid) ?? [];
  return (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) * tickMilliseconds;
}

/** Of the main thread: on a processor, and waiting for one. */
export function threadMilliseconds(): { cpu: number; queued: number } {
  const [cpu = 0, queued = 0] = (read("/proc/self/schedstat") ?? "").split(" ").map(Number);
  return { cpu: cpu / 1e6, queued: queued / 1e6 };
}

function fieldsOf(pid: number): string[] | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : statFields(stat);
}

/** A process may be gone at any moment. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
