import { writeSync } from "node:fs";
import { pino } from "pino";
import { systemClock } from "../../../src/core/clock.ts";
import { acquireLock } from "../../../src/state/lock.ts";
import { openStore } from "../../../src/state/store.ts";

/** Appends events to the status in the folder until it is killed; prints each number once durable. */
const folder = process.argv[2] ?? "";
const clock = systemClock;
const lock = await acquireLock(folder, { clock, signal: new AbortController().signal });
const store = await openStore(folder, { clock, lock, log: pino({ level: "silent" }) });
const items = [{ id: "server", scope: "server", steps: [{ id: "files", kind: "files-sync" }] }];
const run = {
  run: "run-1",
  plan: "p",
  name: "n",
  migrationType: "files",
  holder: lock.holder,
  items,
};
const step = { item: "server", step: "files" };
for (;;) {
  await print(store.append({ type: "run-started", ...run }));
  await print(store.append({ type: "step-started", ...step }));
  store.progress("server", "files", { phase: "copying" });
  await print(store.append({ type: "run-interrupted", exitCode: 143 }));
}

async function print(append: ReturnType<typeof store.append>) {
  const { seq } = await append;
  writeSync(1, `${seq}\n`);
}
