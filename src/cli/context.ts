import { fileURLToPath } from "node:url";
import type { ManagerProgram } from "../controller/manager.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import type { Output, OutputFormat } from "../core/output.ts";
import type { ProgressMode } from "./progress.ts";

/** What every command of migctl gets beside its flags; made once, in main.ts. */
export interface CliContext {
  out: Output;
  clock: Clock;
  manager: ManagerProgram;
  format: OutputFormat;
  progress: ProgressMode;
  /** Calls back for each SIGINT and SIGTERM until released. */
  onStop(stop: (signal: NodeJS.Signals) => void): () => void;
}

interface Globals {
  output?: OutputFormat;
  progress?: ProgressMode;
}

/** Keeps the manager's memory low: its data is in buffers, and a large nursery only collects them late. */
const managerFlags = ["--max-semi-space-size=2"];

const managerPath = fileURLToPath(new URL("../manager/main.ts", import.meta.url));

export function makeCliContext(flags: Globals, out: Output): CliContext {
  return {
    out,
    clock: systemClock,
    manager: { command: process.execPath, args: [...managerFlags, managerPath] },
    format: flags.output ?? "table",
    progress: flags.progress ?? "auto",
    onStop(stop) {
      process.on("SIGINT", stop).on("SIGTERM", stop);
      return () => void process.off("SIGINT", stop).off("SIGTERM", stop);
    },
  };
}
