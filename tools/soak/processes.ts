import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { dieWithParent } from "../../test/support/mongod.ts";

/** Every process that the soak begins, so that none outlives it. */
export interface Processes {
  start(program: string, args: readonly string[], options?: SpawnOptions): ChildProcess;
  /** Ends all of them, with what they began. */
  end(): Promise<void>;
}

export function trackProcesses(): Processes {
  const running = new Set<ChildProcess>();
  const killAll = () => {
    for (const child of running) killGroup(child);
  };
  process.once("exit", killAll);
  return {
    start(program, args, options = {}) {
      const [command = program, ...words] = [...dieWithParent(), program, ...args];
      const child = spawn(command, words, { ...options, detached: true });
      running.add(child);
      child.once("error", () => running.delete(child));
      child.once("close", () => running.delete(child));
      return child;
    },
    async end() {
      const closed = [...running].map((child) => once(child, "close"));
      killAll();
      await Promise.all(closed);
      process.off("exit", killAll);
    },
  };
}

export function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

/** Also what it began and that has no group of its own. */
function killGroup({ pid }: ChildProcess) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}
