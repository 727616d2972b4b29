import type { Clock } from "../core/clock.ts";
import { systemClock } from "../core/clock.ts";
import { type Logger, makeLog } from "../core/log.ts";
import type { Output, OutputFormat } from "../core/output.ts";
import type { LockTimes } from "../state/lock-watch.ts";
import type { Stop } from "./signals.ts";

/** What every command of migmgr gets beside its flags; made once, in main.ts. */
export interface ManagerContext {
  out: Output;
  log: Logger;
  clock: Clock;
  stop: Stop;
  format: OutputFormat;
  /** What the API's client goes by: proxies, and where it is in a pod. */
  env: Readonly<Record<string, string | undefined>>;
  readInput(): Promise<string>;
  /** Shorter ones, for tests of what waits. */
  lockTimes?: LockTimes;
}

interface Globals {
  "log-level"?: string;
  "log-format"?: string;
  output?: OutputFormat;
}

export async function makeManagerContext(
  flags: Globals,
  { out, stop }: Pick<ManagerContext, "out" | "stop">,
): Promise<ManagerContext> {
  const format = flags["log-format"] ?? "auto";
  const log = await makeLog("migmgr", {
    level: flags["log-level"] ?? "info",
    pretty: format === "pretty" || (format === "auto" && out.isTerminal),
  });
  return {
    out,
    log,
    clock: systemClock,
    stop,
    format: flags.output ?? "table",
    env: process.env,
    readInput: () => readAll(process.stdin),
  };
}

async function readAll(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString("utf8");
}
