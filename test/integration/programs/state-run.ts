import { pino } from "pino";
import { systemClock } from "../../../src/core/clock.ts";
import { acquireLock } from "../../../src/state/lock.ts";
import { openStore } from "../../../src/state/store.ts";

/** Brings a run of two steps to its end, from wherever it is. */
const folder = process.argv[2] ?? "";
const clock = systemClock;
const lock = await acquireLock(folder, { clock, signal: new AbortController().signal });
const store = await openStore(folder, { clock, lock, log: pino({ level: "silent" }) });
const kinds = [
  { id: "files", kind: "files-sync" },
  { id: "restore", kind: "db-restore" },
];
const items = [{ id: "server", scope: "server", steps: kinds }];
const run = {
  run: "run-1",
  plan: "p",
  name: "n",
  migrationType: "full",
  holder: lock.holder,
  items,
};
const status = await store.append({ type: "run-started", ...run });
for (const step of status.items[0]?.steps ?? []) {
  if (step.state === "done") continue;
  await store.append({ type: "step-started", item: "server", step: step.id });
  await store.append({ type: "step-done", item: "server", step: step.id });
}
await store.append({ type: "run-finished", state: "done", exitCode: 0 });
await store.close();
await lock.release();
