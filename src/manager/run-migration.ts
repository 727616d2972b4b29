import { hostname } from "node:os";
import { makeBandwidth } from "../core/bandwidth.ts";
import {
  asMigrationError,
  type ErrorRecord,
  type ExitCode,
  toErrorRecord,
} from "../core/errors.ts";
import { machineLimits } from "../core/machine-limits.ts";
import { makePrivateFolder } from "../core/private-files.ts";
import { withReleasers } from "../core/releasers.ts";
import { migrationFolder } from "../plan/inputs.ts";
import type { Plan } from "../plan/plan.ts";
import { acquireLock, type Lock } from "../state/lock.ts";
import { type RunResult, readResult, removeResult, writeResult } from "../state/result.ts";
import { openStore, type Store } from "../state/store.ts";
import { acceptPlan } from "./accept-plan.ts";
import type { ManagerContext } from "./context.ts";
import { decideStart, type StartRequest } from "./decide-start.ts";
import { makeDestinationHold } from "./hold-destination.ts";
import { watchForLoss } from "./lock-loss.ts";
import { makeLockWaits, openLedgerWaiting } from "./lock-waits.ts";
import { makeMeasure } from "./profile/measure.ts";
import { withDestination } from "./reach-destination.ts";
import { writeReport } from "./report.ts";
import { runPlan } from "./run.ts";
import { stepsAtOnce } from "./steps-at-once.ts";
import { watchLimit } from "./watch-limit.ts";

/** How a run ended: its exit code, and the first error where there was one. */
export interface RunEnd {
  exitCode: ExitCode;
  error?: ErrorRecord;
}

type Releaser = (release: () => unknown) => void;

/**
 * Begins the migration of a plan, or goes on with it. With an attempt, a result in its folder tells
 * how it ended, also where what is thrown kept it from being begun.
 */
export async function runMigration(
  plan: Plan,
  request: StartRequest,
  context: ManagerContext,
): Promise<RunEnd> {
  const folder = migrationFolder(plan);
  const migration = { plan, request, context, folder, isTakenOver: false };
  try {
    return await withReleasers((release) => runLocked(migration, release));
  } catch (thrown) {
    // How it ends is told by the process that took it over.
    if (!migration.isTakenOver) await recordFailure(plan, { thrown, request, context });
    throw thrown;
  }
}

interface Failure {
  thrown: unknown;
  request: StartRequest;
  context: ManagerContext;
}

/** Leaves a result of what kept a migration from being begun, or from its end. */
export async function recordFailure(
  plan: Pick<Plan, "workDir" | "name">,
  { thrown, request, context }: Failure,
) {
  const error = asMigrationError(thrown);
  if (error.code === "E_INTERRUPTED") return;
  const end = { exitCode: error.exitCode, error: toErrorRecord(error) };
  const migration = { plan, request, context, folder: migrationFolder(plan) };
  try {
    await record(migration, end, hostname());
  } catch (cause) {
    context.log.warn({ err: cause }, "Cannot write the result");
  }
}

interface Migration {
  plan: Plan;
  request: StartRequest;
  context: ManagerContext;
  folder: string;
  /** Another process has its lock by now. */
  isTakenOver: boolean;
}

async function runLocked(migration: Migration, release: Releaser): Promise<RunEnd> {
  const { plan, request, folder } = migration;
  const { clock, log, stop } = migration.context;
  const { lost, signal, onLost } = watchForLoss(stop.signal);
  let show: Store["waits"] = () => undefined;
  const waits = makeLockWaits(plan, {
    ...{ ...migration.context, signal },
    show: (waiting) => show(waiting),
  });
  await makePrivateFolder(folder);
  const lock = await acquireLock(folder, { ...waits.patience(folder), onLost });
  release(() => {
    migration.isTakenOver = isTakenOver(lock);
    return lock.release();
  });
  await acceptPlan(plan, folder, request.rerun);
  const store = await openStore(folder, { clock, log, lock, onLost });
  release(() => store.close());
  show = (waiting) => store.waits(waiting);
  const { host } = lock.holder;
  const { attempt } = request;
  const result = attempt === undefined ? undefined : await readResult(folder, attempt);
  const start = decideStart(request, { status: store.status, result, host });
  if (start.kind === "ended") {
    log.info({ migration: plan.name }, endedText[start.state]);
    // It may have been killed after its last word, and before its report.
    if (store.status !== undefined) await writeReport(folder, plan, store.status);
    const end = endOf(start.exitCode, store);
    if (start.state === "done") await record(migration, end, host);
    return end;
  }
  if (attempt !== undefined) await removeResult(folder, attempt);
  const ledger = await openLedgerWaiting(plan, lock, waits);
  release(() => ledger.close());
  const { env } = migration.context;
  const stopCode = () => stop.code();
  const bandwidth = makeBandwidth(clock.elapsed);
  release(await watchLimit(plan, { folder, bandwidth, store, log }));
  const ports = { clock, log, signal, env, onWaiting: show };
  const exitCode = await withDestination(plan, ports, async ({ plan: reachable, ...reached }) => {
    const { destination } = reached;
    const holding = { folder, destination, log, clock, signal, waits, onLost };
    const hold = makeDestinationHold(reachable, holding);
    try {
      return await runPlan(reachable, start.run, {
        ...{ log, clock, store, ledger, lock, hold, lost, signal, stopCode, bandwidth },
        atOnce: stepsAtOnce(machineLimits()),
        measure: plan.options.profile ? makeMeasure(clock) : undefined,
        ...reached,
      });
    } finally {
      await hold.release();
    }
  });
  if (store.status !== undefined) await writeReport(folder, plan, store.status);
  const end = endOf(exitCode, store);
  if (store.status?.state !== "interrupted") await record(migration, end, host);
  return end;
}

function isTakenOver(lock: Lock): boolean {
  try {
    lock.check();
    return false;
  } catch {
    return true;
  }
}

const endedText = {
  done: "Already done; --rerun does all of it again",
  failed: "It failed, and is not tried again by a restart alone; start it again for that",
};

function endOf(exitCode: ExitCode, { status }: Store): RunEnd {
  const steps = status?.items.flatMap((item) => item.steps);
  const error = steps?.find((step) => step.error !== undefined)?.error;
  return { exitCode, ...(error === undefined ? {} : { error }) };
}

async function record(
  {
    plan,
    request,
    context,
    folder,
  }: Omit<Migration, "plan" | "isTakenOver"> & { plan: { name: string } },
  end: RunEnd,
  host: string,
) {
  const { attempt } = request;
  if (attempt === undefined) return;
  await makePrivateFolder(folder);
  const result: RunResult = {
    version: 1,
    name: plan.name,
    ...{ attempt, host, finishedAt: Math.round(context.clock.now()) },
    ...end,
  };
  await writeResult(folder, result);
}
