import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { programs } from "../../test/support/migration.ts";
import type { History } from "./history.ts";
import type { Processes } from "./processes.ts";

/** The manager's program, begun again whenever it ended before its work did, as a kubelet does. */
export interface Manager {
  /** The process that runs now. */
  current(): ChildProcess | undefined;
  /** Another process for the same migration. */
  begin(who: string, before?: readonly string[]): Running;
  /** Ends with the first run that came to its end. */
  work(stage: Stage): Promise<number>;
  /** From now on a run has no more reason to fail. */
  expectSuccess(): void;
}

export interface Running {
  child: ChildProcess;
  /** The exit code, or the signal. */
  ended: Promise<number | string>;
}

interface Stage {
  /** The run that it belongs to, from 1. */
  generation: number;
  /** Of the newest run that has begun. */
  begun(): number;
}

export interface ManagerOptions {
  folder: string;
  plan: string;
  processes: Processes;
  history: History;
  signal: AbortSignal;
  violation(text: string): void;
}

/** Both mean the end: 3 says that something is left to look at, which is for the oracle to judge. */
const finished: readonly unknown[] = [0, 3];
/** What may end a run with a fault: a resource that is away, another manager, us. */
const orderly: readonly unknown[] = [...finished, 5, 7, "SIGKILL"];
const restartMs = 300;
const longestMs = 600_000;

export function makeManager(options: ManagerOptions): Manager {
  const { folder, plan, processes, history, signal, violation } = options;
  const log = createWriteStream(join(folder, "manager.log"), { flags: "a" });
  let current: Running | undefined;
  let isCalm = false;
  let stage: Stage | undefined;
  signal.addEventListener("abort", () => current?.child.kill("SIGKILL"));
  function begin(who: string, before: readonly string[] = []): Running {
    const again = stage !== undefined && mustAsk(stage) ? ["--rerun"] : [];
    const [program = process.execPath, ...words] = [...before, process.execPath];
    const args = [...words, programs.migmgr, "run", "--plan", plan, ...again];
    const child = processes.start(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    child.stderr?.pipe(log, { end: false });
    history.tell("manager begins", { who, pid: child.pid, flags: again });
    const ended = once(child, "close").then(([code, signal]) => {
      const end: number | string = code ?? signal;
      history.tell("manager ends", { who, pid: child.pid, end });
      if (!orderly.includes(end)) violation(`A manager ended with ${end}`);
      return end;
    });
    return { child, ended };
  }
  async function work(asked: Stage): Promise<number> {
    stage = asked;
    const start = performance.now();
    for (;;) {
      const mustSucceed = isCalm;
      current = begin("first");
      const { child, ended } = current;
      const timer = setTimeout(() => child.kill("SIGKILL"), longestMs);
      const end = await ended;
      clearTimeout(timer);
      signal.throwIfAborted();
      if (end === 0 || end === 3) return end;
      if (performance.now() - start > longestMs) throw new Error("It does not come to its end");
      if (mustSucceed && end !== 7) throw new Error(`Without any fault it ended with ${end}`);
      await sleep(restartMs);
    }
  }
  return {
    current: () => current?.child,
    begin,
    work,
    expectSuccess() {
      isCalm = true;
    },
  };
}

/** Until a run that is not the first one has begun, each start has to ask for it. */
function mustAsk({ generation, begun }: Stage): boolean {
  return generation > 1 && begun() < generation;
}
