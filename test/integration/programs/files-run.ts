import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { systemClock } from "../../../src/core/clock.ts";
import { openLocalDestination } from "../../../src/files/local-destination.ts";
import { openLedger } from "../../../src/state/ledger.ts";
import { unguarded } from "../../../src/workers/context.ts";
import { ownedTree, stepNames, stepsOf } from "../files-steps.ts";

/** Runs the steps of one migration in order, going on from the first that is not marked as done. */
const [base = "", via = "rsync"] = process.argv.slice(2);
const { signal } = new AbortController();
const ledger = await openLedger(join(base, "ledger"), {
  clock: systemClock,
  signal,
  waitSeconds: 10,
});
const paths = [{ directory: Buffer.from("jane"), owned: true, via: "tar" as const }];
const steps = stepsOf(
  {
    source: join(base, "source"),
    destination: join(base, "destination"),
    work: join(base, "work"),
    run: "one",
    selection: via === "tar" ? { kind: "paths", paths } : ownedTree("jane"),
    onConflict: "overwrite",
  },
  {
    log: pino({ level: "silent" }),
    clock: systemClock,
    signal,
    report: () => undefined,
    run: "one",
    ledger,
    guard: unguarded,
    destination: openLocalDestination(join(base, "destination")),
  },
);
process.stdout.write("ready\n");
for (const name of stepNames) {
  const mark = join(base, "work", `${name}.done`);
  if (existsSync(mark)) continue;
  writeFileSync(`${mark}.tmp`, JSON.stringify(await steps[name]()));
  writeFileSync(mark, "");
  process.stdout.write(`${name} ${process.resourceUsage().maxRSS}\n`);
}
ledger.close();
