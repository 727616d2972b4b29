import { type ExitCode, hasCode } from "../core/errors.ts";
import type { Plan } from "../plan/plan.ts";
import { scopeText } from "../plan/scope.ts";
import type { Lock } from "../state/lock.ts";
import { exitCodeOf } from "../state/outcome.ts";
import type { DestinationHold } from "./hold-destination.ts";
import { type ItemPorts, runItem } from "./run-item.ts";
import { throwIfLost } from "./run-step.ts";

export interface RunPorts extends ItemPorts {
  lock: Pick<Lock, "check" | "holder">;
  hold: Pick<DestinationHold, "take" | "guard" | "settle">;
  /** With which exit code a run that was asked to stop ends. */
  stopCode(): ExitCode;
}

/**
 * Does every step that is not done, item by item, and returns the exit code. A failed step ends
 * its item, never another one; nothing is thrown for it.
 */
export async function runPlan(plan: Plan, run: string, ports: RunPorts): Promise<ExitCode> {
  const { store, log, lock } = ports;
  await store.append({
    type: "run-started",
    run,
    plan: plan.fingerprint,
    name: plan.name,
    migrationType: plan.migrationType,
    holder: lock.holder,
    items: plan.items.map(({ id, scope, steps }) => ({
      id,
      scope: scopeText(scope),
      steps: steps.map((step) => ({ id: step.id, kind: step.kind })),
    })),
  });
  log.info({ migration: plan.name, run, items: plan.items.length }, "Run started");
  try {
    for (const item of plan.items) {
      await runItem(plan, item, run, ports);
      if (ports.signal.aborted) return await interrupted(ports);
    }
    return await finish(ports);
  } catch (error) {
    if (hasCode(error, "E_LOCKED")) await recordLockedOut(error.exitCode, ports);
    throw error;
  }
}

/** What another process keeps from us is a checkpoint of ours, unless it took the migration too. */
async function recordLockedOut(exitCode: ExitCode, { store, lock }: RunPorts) {
  try {
    lock.check();
  } catch {
    return;
  }
  await store.append({ type: "run-interrupted", exitCode });
}

async function interrupted(ports: RunPorts): Promise<ExitCode> {
  throwIfLost(ports);
  const { store, log, stopCode } = ports;
  const exitCode = stopCode();
  await store.append({ type: "run-interrupted", exitCode });
  log.info({ exitCode }, "Run interrupted, checkpoint written");
  return exitCode;
}

async function finish({ store, log, hold }: RunPorts): Promise<ExitCode> {
  const exitCode = exitCodeOf(store.status?.items ?? []);
  const failed = store.status?.items.some(({ state }) => state !== "done") ?? true;
  // What is done is not begun again, which would remove what is left of a lock.
  if (!failed) await hold.settle();
  await store.append({ type: "run-finished", state: failed ? "failed" : "done", exitCode });
  log.info({ exitCode }, "Run finished");
  return exitCode;
}
