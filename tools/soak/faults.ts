import { setTimeout as sleep } from "node:timers/promises";
import type { Bed } from "./bed.ts";
import type { Manager } from "./manager.ts";
import { hasEnded } from "./processes.ts";
import type { FaultKind } from "./schedule.ts";
import type { Server } from "./server.ts";

/** What a fault is done to. */
export interface Target {
  bed: Bed;
  manager: Manager;
  violation(text: string): void;
}

interface Fault {
  /** Returns what it met, for the history; undefined where there was nothing to meet, as yet. */
  inject(target: Target): object | undefined | Promise<object | undefined>;
  /** Also called where it met nothing. */
  heal(target: Target): unknown;
}

/** How long a manager that is one too many may take to say so. */
const politeMs = 60_000;

const noHealing = () => undefined;

export const faults: Record<FaultKind, Fault> = {
  "manager killed": { inject: ({ manager }) => signal(manager, "SIGKILL"), heal: noHealing },
  "manager stopped for seconds": {
    inject: ({ manager }) => signal(manager, "SIGSTOP"),
    heal: ({ manager }) => signal(manager, "SIGCONT"),
  },
  "second manager": { inject: beSecond, heal: noHealing },
  "source database killed": killed(({ source }) => source),
  "destination database killed": killed(({ destination }) => destination),
  "connections cut": {
    inject({ bed: { source, destination } }) {
      const met = { source: source.relay.cut(), destination: destination.relay.cut() };
      return met.source + met.destination > 0 ? met : undefined;
    },
    heal: noHealing,
  },
  "connections still": {
    inject({ bed: { source, destination } }) {
      const met = { source: source.relay.hold(), destination: destination.relay.hold() };
      return met.source + met.destination > 0 ? met : undefined;
    },
    heal({ bed: { source, destination } }) {
      for (const { relay } of [source, destination]) relay.release();
    },
  },
  "destination volume full": full(({ destination }) => destination.volume),
  "work volume full": full(({ work }) => work),
  "receiver killed": {
    inject: ({ bed }) => count("processes", bed.receiver?.kill()),
    heal: noHealing,
  },
  "receiver's streams cut": {
    inject: ({ bed }) => count("streams", bed.receiver?.cut()),
    heal: noHealing,
  },
};

function signal(manager: Manager, name: NodeJS.Signals): object | undefined {
  const child = manager.current();
  if (child === undefined || hasEnded(child)) return undefined;
  return child.kill(name) ? { pid: child.pid } : undefined;
}

function killed(which: (bed: Bed) => Server): Fault {
  return {
    async inject({ bed }) {
      await which(bed).mongod.kill9();
      return {};
    },
    heal: ({ bed }) => which(bed).mongod.restart(),
  };
}

function full(which: (bed: Bed) => Bed["work"]): Fault {
  return {
    async inject({ bed }) {
      const volume = which(bed);
      if (!volume.canBeFull) return undefined;
      await volume.fill();
      return {};
    },
    heal: ({ bed }) => which(bed).free(),
  };
}

function count(what: string, number = 0): object | undefined {
  return number > 0 ? { [what]: number } : undefined;
}

/** It ends with 7, or the work is its own because the first one has just ended; never both. */
async function beSecond({ manager, violation }: Target): Promise<object | undefined> {
  const first = manager.current();
  if (first === undefined || hasEnded(first)) return undefined;
  const second = manager.begin("second");
  const end = await Promise.race([second.ended, sleep(politeMs, "works", { ref: false })]);
  if (end !== 7 && !hasEnded(first)) violation(`A second manager beside the first: ${end}`);
  second.child.kill("SIGKILL");
  return { end: await second.ended };
}
