import { fileURLToPath } from "node:url";
import type { ManagerProgram } from "../controller/manager.ts";
import { isBundled } from "../core/built-in.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import type { Output, OutputFormat } from "../core/output.ts";
import { managerEnvironment } from "./manager-environment.ts";
import type { ProgressMode } from "./progress.ts";

/** What every command of migctl gets beside its flags; made once, in main.ts. */
export interface CliContext {
  out: Output;
  clock: Clock;
  manager: ManagerProgram;
  format: OutputFormat;
  progress: ProgressMode;
  /** Of migctl's own process: credentials that are named, and what kubectl goes by. */
  env: Readonly<Record<string, string | undefined>>;
  /** Calls back for each SIGINT and SIGTERM until released. */
  onStop(stop: (signal: NodeJS.Signals) => void): () => void;
}

interface Globals {
  output?: OutputFormat;
  progress?: ProgressMode;
}

/** Keeps the manager's memory low: its data is in buffers, and a large nursery only collects them late. */
const managerFlags = ["--max-semi-space-size=2"];

const managerStart = isBundled
  ? [fileURLToPath(import.meta.url), "manager"]
  : [fileURLToPath(new URL("../manager/main.ts", import.meta.url))];

export function makeCliContext(flags: Globals, out: Output): CliContext {
  return {
    out,
    clock: systemClock,
    manager: {
      command: process.execPath,
      args: [...managerFlags, ...managerStart],
      env: managerEnvironment(process.env),
    },
    format: flags.output ?? "table",
    progress: flags.progress ?? "auto",
    env: process.env,
    onStop(stop) {
      process.on("SIGINT", stop).on("SIGTERM", stop);
      return () => void process.off("SIGINT", stop).off("SIGTERM", stop);
    },
  };
}
