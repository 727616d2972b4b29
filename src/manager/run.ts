import type { Clock } from "../core/clock.ts";
import { asMigrationError, type ExitCode, hasCode, toErrorRecord } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Logger } from "../core/log.ts";
import type { FileDestination } from "../files/destination.ts";
import { guardedDestination } from "../files/guarded-destination.ts";
import { inputOf } from "../plan/inputs.ts";
import type { Item, Plan, Step } from "../plan/plan.ts";
import { scopeText } from "../plan/scope.ts";
import type { StepKind } from "../plan/steps.ts";
import type { Lock } from "../state/lock.ts";
import { exitCodeOf } from "../state/outcome.ts";
import type { ItemStatus, Status } from "../state/status.ts";
import type { Store } from "../state/store.ts";
import type { FilesContext } from "../workers/context.ts";
import { workers } from "../workers/registry.ts";
import type { DestinationHold } from "./hold-destination.ts";

export interface RunPorts {
  log: Logger;
  clock: Clock;
  store: Store;
  ledger: Ledger;
  destination: FileDestination;
  /** Adds to an error what the way to the destination's database knows of its reason. */
  explain(error: unknown): unknown;
  /** Does a step's work again where the way to the destination was closed to us for a time. */
  keep<T>(work: () => Promise<T>): Promise<T>;
  lock: Pick<Lock, "check" | "holder">;
  hold: Pick<DestinationHold, "take" | "guard" | "settle">;
  /** Aborted with an E_LOCKED once a lock is lost; then `signal` is as well. */
  lost: AbortSignal;
  /** Aborted when the run is to stop; `stopCode` says with which exit code. */
  signal: AbortSignal;
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

function throwIfLost({ lost }: RunPorts) {
  if (lost.aborted) throw lost.reason;
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

async function runItem(plan: Plan, item: Item, run: string, ports: RunPorts) {
  const log = ports.log.child({ item: item.id });
  for (const step of item.steps) {
    if (ports.signal.aborted) return;
    if (isDone(ports.store.status, item, step)) continue;
    const done = await runStep({ plan, item, step }, run, { ...ports, log });
    if (!done) break;
  }
  if (!ports.signal.aborted) await skipRest(item, ports);
}

async function skipRest(item: Item, { store }: RunPorts) {
  const pending = statusOf(store.status, item)?.steps.filter(({ state }) => state === "pending");
  for (const { id } of pending ?? []) {
    await store.append({ type: "step-not-run", item: item.id, step: id });
  }
}

interface Place {
  plan: Plan;
  item: Item;
  step: Step;
}

/** True when the step is done; a stop that was asked for leaves it pending. */
async function runStep(place: Place, run: string, ports: RunPorts): Promise<boolean> {
  const { store, lock, signal } = ports;
  const { item, step } = place;
  const ids = { item: item.id, step: step.id };
  const log = ports.log.child({ step: step.id });
  lock.check();
  await store.append({ type: "step-started", ...ids });
  log.info("Step started");
  try {
    const guard = async () => {
      lock.check();
      await ports.hold.guard(step.kind);
    };
    const context: FilesContext = {
      ...{ log, clock: ports.clock, signal, run },
      ...{ ledger: ports.ledger.inScope(scopeText(item.scope)) },
      ...{ guard, destination: guardedDestination(ports.destination, guard) },
      retryBudget: budgetOf(place.plan),
      report: (progress) => store.progress(item.id, step.id, progress),
    };
    failpoint("step.beforeWork");
    const output = await ports.keep(async () => {
      if (step.kind !== "preflight") await ports.hold.take();
      return await work(step.kind, place, context);
    });
    failpoint("step.afterWork");
    lock.check();
    recordCompletion(place, run, ports);
    await store.append({ type: "step-done", ...ids, output });
    log.info({ output: briefly(output) }, "Step done");
    return true;
  } catch (thrown) {
    throwIfLost(ports);
    if (signal.aborted) return false;
    const error = asMigrationError(ports.explain(thrown));
    // What is done stays done, even where the volume failed right after that was recorded.
    if (error.code === "E_LOCKED" || isDone(store.status, item, step)) throw error;
    const record = toErrorRecord(error);
    await store.append({ type: "step-failed", ...ids, error: record });
    log.info(
      { error: record, ...(error.kind === "bug" ? { err: error.cause } : {}) },
      "Step failed",
    );
    return false;
  }
}

function budgetOf({ options: { retrySeconds } }: Plan): number | undefined {
  return retrySeconds === undefined ? undefined : retrySeconds * 1000;
}

function work<K extends StepKind>(kind: K, place: Place, context: FilesContext): Promise<unknown> {
  return workers[kind](inputOf(kind, place), context);
}

/** What was brought over and verified allows later runs that rest on it. */
function recordCompletion({ item, step }: Place, run: string, { ledger, clock }: RunPorts) {
  const part =
    step.kind === "files-verify" ? "files" : step.kind === "db-verify" ? "documents" : undefined;
  if (part === undefined) return;
  failpoint("ledger.beforeCompletion");
  ledger.completions.record(part, scopeText(item.scope), run, Math.round(clock.now()));
  failpoint("ledger.afterCompletion");
}

function statusOf(status: Status | undefined, item: Item): ItemStatus | undefined {
  return status?.items.find(({ id }) => id === item.id);
}

function isDone(status: Status | undefined, item: Item, step: Step): boolean {
  return statusOf(status, item)?.steps.find(({ id }) => id === step.id)?.state === "done";
}

/** Long lists are in the files of the migration, not in the log. */
function briefly(output: unknown): unknown {
  const text = JSON.stringify(output) ?? "";
  return text.length <= 2000 ? output : `${text.slice(0, 2000)}…`;
}
