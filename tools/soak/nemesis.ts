import { setTimeout as sleep } from "node:timers/promises";
import { faults, type Target } from "./faults.ts";
import type { History } from "./history.ts";
import type { FaultKind, ScheduledFault } from "./schedule.ts";

/** Makes the scheduled faults, one after the other. */
export interface Nemesis {
  /** Whether all of them were made and healed; throws what kept one from that. */
  isOver(): boolean;
  /** Does something while nothing is broken. */
  calmly<T>(work: () => Promise<T>): Promise<T>;
  /** Makes no more; what is broken is healed then. */
  stop(): Promise<void>;
  /** Those that met something. */
  readonly made: readonly FaultKind[];
}

interface NemesisOptions {
  target: Target;
  history: History;
  onOver(): void;
}

/** What a fault is done to comes and goes: no connection is open all the time. */
const patienceMs = 15_000;
const pollMs = 100;

export function startNemesis(
  schedule: readonly ScheduledFault[],
  { target, history, onOver }: NemesisOptions,
): Nemesis {
  const made: FaultKind[] = [];
  const stopping = new AbortController();
  const { signal } = stopping;
  let end: { error?: unknown } | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  function calmly<T>(work: () => Promise<T>): Promise<T> {
    const result = queue.then(work);
    queue = result.catch(() => undefined);
    return result;
  }
  async function meet(kind: FaultKind): Promise<boolean> {
    for (let waited = 0; waited < patienceMs; waited += pollMs) {
      const met = await faults[kind].inject(target);
      if (met !== undefined) {
        history.tell("fault", { kind, ...met });
        return true;
      }
      await sleep(pollMs, undefined, { signal });
    }
    return false;
  }
  async function make({ kind, lasts }: ScheduledFault) {
    try {
      if (!(await meet(kind))) return history.tell("fault met nothing", { kind });
      made.push(kind);
      await sleep(lasts, undefined, { signal });
    } finally {
      await faults[kind].heal(target);
    }
    history.tell("healed", { kind, lasted: lasts });
  }
  async function makeAll() {
    for (const fault of schedule) {
      await sleep(fault.after, undefined, { signal });
      await calmly(() => make(fault));
    }
  }
  const all = makeAll().then(
    () => {
      end = {};
      onOver();
    },
    (error: unknown) => {
      end = { error };
    },
  );
  return {
    isOver() {
      if (end?.error !== undefined) throw end.error;
      return end !== undefined;
    },
    calmly,
    async stop() {
      stopping.abort();
      await all;
    },
    made,
  };
}
