import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { type Clock, systemClock } from "../../../src/core/clock.ts";
import type { Event, NewEvent } from "../../../src/state/events.ts";
import { openStore, type Store } from "../../../src/state/store.ts";

export const silent = pino({ level: "silent" });

export const noLock = { fencing: 1, check: () => undefined };

/** A plan of two items with two steps each. */
export const runStarted = {
  type: "run-started",
  run: "run-1",
  plan: "fingerprint",
  name: "full-1a2b",
  migrationType: "full",
  holder: { pid: 42, host: "here", since: 1, fencing: 1 },
  items: [
    {
      id: "server",
      scope: "server",
      steps: [
        { id: "files", kind: "files-sync" },
        { id: "restore", kind: "db-restore" },
      ],
    },
    {
      id: "jane",
      scope: "user:jane",
      steps: [
        { id: "files", kind: "files-sync" },
        { id: "restore", kind: "db-restore" },
      ],
    },
  ],
} satisfies NewEvent;

export const started = { type: "step-started", item: "server", step: "files" } satisfies NewEvent;

export const done = {
  type: "step-done",
  item: "server",
  step: "files",
  output: { verdicts: { migrated: 3 } },
} satisfies NewEvent;

/** The event as the reducer takes it. */
export function stamped(event: NewEvent, at = 1000): Event {
  return { milliseconds: 5, ...event, at } as Event;
}

export function openSample(folder: string, clock: Clock = systemClock): Promise<Store> {
  return openStore(folder, { clock, log: silent, lock: noLock });
}

export async function writeSample(folder: string) {
  const store = await openSample(folder);
  for (const event of [runStarted, started, done]) await store.append(event);
  await store.close();
  return store.status;
}

/** A migration of that name at a place, whose plan is this text. */
export async function addMigration(place: string, name: string, plan: string) {
  const folder = join(place, name);
  await writeSample(folder);
  writeFileSync(join(folder, "plan.json"), plan);
}
