import { writeFileSync } from "node:fs";
import { pino } from "pino";
import { systemClock } from "../../../src/core/clock.ts";
import { openLedger } from "../../../src/state/ledger.ts";
import { unguarded } from "../../../src/workers/context.ts";
import { restoreDatabase } from "../../../src/workers/db-restore.ts";

/** Restores as the JSON argument says, and writes the result to a file; SIGTERM stops it. */
const { input, ledger: folder, run, result } = JSON.parse(process.argv[2] ?? "{}");
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
const ledger = await openLedger(folder, {
  clock: systemClock,
  signal: stop.signal,
  waitSeconds: 30,
});
process.stdout.write("started\n");
try {
  const restored = await restoreDatabase(input, {
    log: pino({ level: "silent" }),
    clock: systemClock,
    signal: stop.signal,
    report: () => {},
    run,
    ledger,
    guard: unguarded,
  });
  writeFileSync(result, JSON.stringify(restored));
} catch (error) {
  const { code, message } = error as { code?: string; message: string };
  writeFileSync(result, JSON.stringify({ error: { code, message } }));
  process.exitCode = 1;
} finally {
  ledger.close();
}
