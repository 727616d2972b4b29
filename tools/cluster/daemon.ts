import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { paths } from "./settings.ts";

export interface Daemon {
  name: string;
  program: string;
  args: readonly string[];
}

/** Starts a program that outlives us, with its output in a log of its own. */
export function startDaemon({ name, program, args }: Daemon): void {
  mkdirSync(paths.pids, { recursive: true });
  mkdirSync(paths.logs, { recursive: true });
  const log = openSync(logOf(name), "a");
  const child = spawn(program, args, { detached: true, stdio: ["ignore", log, log] });
  if (child.pid === undefined) throw new Error(`Cannot start ${program}`);
  child.unref();
  writeFileSync(pidFile(name), `${child.pid} ${startTime(child.pid) ?? ""}\n`);
}

export function daemonNames(): string[] {
  return existsSync(paths.pids) ? readdirSync(paths.pids) : [];
}

export function isRunning(name: string): boolean {
  return runningPid(name) !== undefined;
}

/** The end of what a daemon wrote, for the message that it did not come up. */
export function logTail(name: string): string {
  return existsSync(logOf(name)) ? readFileSync(logOf(name), "utf8").slice(-1500) : "";
}

/** Ends a daemon: SIGTERM, and SIGKILL where that does not help within some seconds. */
export async function stopDaemon(name: string, graceMs = 15_000): Promise<void> {
  const pid = runningPid(name);
  if (pid !== undefined) {
    process.kill(pid, "SIGTERM");
    if (!(await ended(name, graceMs))) {
      process.kill(pid, "SIGKILL");
      await ended(name, 5000);
    }
  }
  rmSync(pidFile(name), { force: true });
}

async function ended(name: string, withinMs: number): Promise<boolean> {
  for (const deadline = Date.now() + withinMs; Date.now() < deadline; await sleep(50)) {
    if (!isRunning(name)) return true;
  }
  return false;
}

/** A number that was given to another process since is not ours. */
function runningPid(name: string): number | undefined {
  if (!existsSync(pidFile(name))) return undefined;
  const [pid, started] = readFileSync(pidFile(name), "utf8").trim().split(" ");
  return startTime(Number(pid)) === started ? Number(pid) : undefined;
}

/** When a process started, in the kernel's ticks; undefined where it has ended. */
export function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function pidFile(name: string): string {
  return join(paths.pids, name);
}

function logOf(name: string): string {
  return join(paths.logs, `${name}.log`);
}
