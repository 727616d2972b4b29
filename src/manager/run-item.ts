import { makeFeed } from "../core/feed.ts";
import type { ArchivePiece } from "../mongo/archive/growing.ts";
import type { Item, Plan, Step } from "../plan/plan.ts";
import type { ItemStatus } from "../state/status.ts";
import { runStep, type StepPorts, statusOf } from "./run-step.ts";

export interface ItemPorts extends StepPorts {
  /** How many steps may run at the same time. */
  atOnce: number;
}

/**
 * Does the steps of an item that are not done, each once those before it are. The first one that
 * fails stops those beside it, and keeps the others from being begun.
 */
export async function runItem(plan: Plan, item: Item, run: string, ports: ItemPorts) {
  const { store, atOnce } = ports;
  const log = ports.log.child({ item: item.id });
  const stop = new AbortController();
  const signal = AbortSignal.any([ports.signal, stop.signal]);
  const running = new Map<string, Promise<void>>();
  const thrown: unknown[] = [];

  const archive = makeFeed<ArchivePiece>();
  const handing = new Set(item.steps.map(({ beside }) => beside));

  /** Only a step beside another one, and that other one, have anything to do with the archive. */
  function archiveOf({ id, beside }: Step) {
    const isReader = beside !== undefined && running.has(beside);
    return isReader || handing.has(id) ? archive : undefined;
  }

  async function work(step: Step) {
    try {
      const handed = { archive: archiveOf(step) };
      const done = await runStep({ plan, item, step }, run, { ...ports, ...handed, log, signal });
      if (!done) stop.abort();
    } catch (error) {
      thrown.push(error);
      stop.abort();
    } finally {
      running.delete(step.id);
    }
  }

  function next(): Step | undefined {
    if (signal.aborted || running.size >= atOnce) return undefined;
    return readyStep(item, statusOf(store.status, item), running);
  }

  for (;;) {
    for (let step = next(); step !== undefined; step = next()) running.set(step.id, work(step));
    if (running.size === 0) break;
    await Promise.race(running.values());
  }
  if (thrown.length > 0) throw thrown[0];
  if (!ports.signal.aborted) await skipRest(item, ports);
}

/** The first one in the plan's order that is not begun, and whose earlier steps are done. */
function readyStep(
  { steps }: Item,
  status: ItemStatus | undefined,
  running: ReadonlyMap<string, unknown>,
): Step | undefined {
  const states = new Map(status?.steps.map(({ id, state }) => [id, state]));
  const isDone = (id: string) => states.get(id) === "done";
  const isBegun = (id: string) => isDone(id) || running.has(id);
  return steps.find(
    ({ id, after, beside }) =>
      !isBegun(id) && after.every(isDone) && (beside === undefined || isBegun(beside)),
  );
}

async function skipRest(item: Item, { store }: ItemPorts) {
  const open = statusOf(store.status, item)?.steps.filter(
    ({ state }) => state === "pending" || state === "running",
  );
  for (const { id } of open ?? []) {
    await store.append({ type: "step-not-run", item: item.id, step: id });
  }
}
