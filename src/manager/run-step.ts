import type { Bandwidth } from "../core/bandwidth.ts";
import type { Clock } from "../core/clock.ts";
import { asMigrationError, toErrorRecord } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import type { Feed } from "../core/feed.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Logger } from "../core/log.ts";
import type { Profile } from "../core/profile.ts";
import type { FileDestination } from "../files/destination.ts";
import { guardedDestination } from "../files/guarded-destination.ts";
import type { ArchivePiece } from "../mongo/archive/growing.ts";
import { inputOf } from "../plan/inputs.ts";
import type { Item, Plan, Step } from "../plan/plan.ts";
import { scopeText } from "../plan/scope.ts";
import type { StepKind } from "../plan/steps.ts";
import type { Lock } from "../state/lock.ts";
import type { ItemStatus, Status } from "../state/status.ts";
import type { Store } from "../state/store.ts";
import type { FilesContext } from "../workers/context.ts";
import { profiled } from "../workers/profiled.ts";
import { workers } from "../workers/registry.ts";
import type { DestinationHold } from "./hold-destination.ts";
import type { Measure } from "./profile/measure.ts";

export interface StepPorts {
  log: Logger;
  clock: Clock;
  store: Store;
  ledger: Ledger;
  destination: FileDestination;
  /** Adds to an error what the way to the destination's database knows of its reason. */
  explain(error: unknown): unknown;
  /** Does a step's work again where the way to the destination was closed to us for a time. */
  keep<T>(work: () => Promise<T>): Promise<T>;
  lock: Pick<Lock, "check">;
  hold: Pick<DestinationHold, "take" | "guard">;
  /** How much may be sent. */
  bandwidth?: Bandwidth | undefined;
  /** Where the time of each step is measured. */
  measure?: Measure | undefined;
  /** Aborted with an E_LOCKED once a lock is lost; then `signal` is as well. */
  lost: AbortSignal;
  /** Aborted when the run is to stop. */
  signal: AbortSignal;
  /** For a backup and the restore that goes on beside it. */
  archive?: Feed<ArchivePiece> | undefined;
}

interface Place {
  plan: Plan;
  item: Item;
  step: Step;
}

/** True when the step is done; a stop that was asked for leaves it pending. */
export async function runStep(place: Place, run: string, ports: StepPorts): Promise<boolean> {
  const { store, lock, signal } = ports;
  const { item, step } = place;
  const ids = { item: item.id, step: step.id };
  const log = ports.log.child({ step: step.id });
  lock.check();
  await store.append({ type: "step-started", ...ids });
  log.info("Step started");
  const measured = ports.measure?.(step.kind);
  const profileOf = () => (measured === undefined ? {} : { profile: measured.end() });
  try {
    const context = contextOf(place, run, { ...ports, log, profile: measured?.profile });
    failpoint("step.beforeWork");
    const output = await ports.keep(async () => {
      if (step.kind !== "preflight") await ports.hold.take();
      return await work(step.kind, place, context);
    });
    failpoint("step.afterWork");
    lock.check();
    recordCompletion(place, run, ports);
    await store.append({ type: "step-done", ...ids, output, ...profileOf() });
    log.info({ output: briefly(output) }, "Step done");
    return true;
  } catch (thrown) {
    const profile = profileOf();
    throwIfLost(ports);
    if (signal.aborted) return false;
    const error = asMigrationError(ports.explain(thrown));
    // What is done stays done, even where the volume failed right after that was recorded.
    if (error.code === "E_LOCKED" || isDone(store.status, item, step)) throw error;
    const record = toErrorRecord(error);
    await store.append({ type: "step-failed", ...ids, error: record, ...profile });
    log.info(
      { error: record, ...(error.kind === "bug" ? { err: error.cause } : {}) },
      "Step failed",
    );
    return false;
  }
}

type ContextPorts = StepPorts & { profile: Profile | undefined };

function contextOf({ plan, item, step }: Place, run: string, ports: ContextPorts): FilesContext {
  const { log, clock, signal, store, lock, hold, ledger, bandwidth, profile } = ports;
  const guard = async () => {
    lock.check();
    await hold.guard(step.kind);
  };
  return {
    ...{ log, clock, signal, run, guard, archive: ports.archive, bandwidth, profile },
    ledger: ledger.inScope(scopeText(item.scope)),
    destination: profiled(guardedDestination(ports.destination, guard), {
      ...{ what: "destinationFiles", profile },
    }),
    retryBudget: budgetOf(plan),
    report: (progress) => store.progress(item.id, step.id, progress),
  };
}

function budgetOf({ options: { retrySeconds } }: Plan): number | undefined {
  return retrySeconds === undefined ? undefined : retrySeconds * 1000;
}

function work<K extends StepKind>(kind: K, place: Place, context: FilesContext): Promise<unknown> {
  return workers[kind](inputOf(kind, place), context);
}

/** What was brought over and verified allows later runs that rest on it. */
function recordCompletion({ item, step }: Place, run: string, { ledger, clock }: StepPorts) {
  const part =
    step.kind === "files-verify" ? "files" : step.kind === "db-verify" ? "documents" : undefined;
  if (part === undefined) return;
  failpoint("ledger.beforeCompletion");
  ledger.completions.record(part, scopeText(item.scope), run, Math.round(clock.now()));
  failpoint("ledger.afterCompletion");
}

export function statusOf(status: Status | undefined, item: Item): ItemStatus | undefined {
  return status?.items.find(({ id }) => id === item.id);
}

function isDone(status: Status | undefined, item: Item, step: Step): boolean {
  return statusOf(status, item)?.steps.find(({ id }) => id === step.id)?.state === "done";
}

export function throwIfLost({ lost }: StepPorts) {
  if (lost.aborted) throw lost.reason;
}

/** Long lists are in the files of the migration, not in the log. */
function briefly(output: unknown): unknown {
  const text = JSON.stringify(output) ?? "";
  return text.length <= 2000 ? output : `${text.slice(0, 2000)}…`;
}
