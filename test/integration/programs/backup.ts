import { readFileSync } from "node:fs";
import { pino } from "pino";
import { systemClock } from "../../../src/core/clock.ts";
import type { WorkerContext } from "../../../src/workers/context.ts";
import { backupDatabase } from "../../../src/workers/db-backup.ts";

/** Does one backup and tells how much memory the process had at most. */
const started = performance.now();
const context = {
  log: pino({ level: "silent" }),
  clock: systemClock,
  signal: new AbortController().signal,
  report: () => {},
  run: "r",
};
const input = JSON.parse(process.argv[2] ?? "");
const output = await backupDatabase(input, context as unknown as WorkerContext);
const peakKiB = Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
process.stdout.write(
  JSON.stringify({
    peakMiB: Math.round(peakKiB / 1024),
    seconds: Math.round((performance.now() - started) / 100) / 10,
    bytes: output.bytes,
    compressedBytes: output.compressedBytes,
  }),
);
