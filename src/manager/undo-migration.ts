import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { syncFolder } from "../core/atomic-file.ts";
import { failpoint } from "../core/failpoints.ts";
import { keepPrivate } from "../core/private-files.ts";
import { withReleasers } from "../core/releasers.ts";
import { guardedDestination } from "../files/guarded-destination.ts";
import { ledgerFolder, migrationFolder } from "../plan/inputs.ts";
import type { Plan } from "../plan/plan.ts";
import type { Undone } from "../plan/undone.ts";
import { openLedger } from "../state/ledger.ts";
import { acquireLock } from "../state/lock.ts";
import { readRuns } from "../state/recover.ts";
import { type FilesContext, unguarded } from "../workers/context.ts";
import { undoMigration } from "../workers/undo.ts";
import type { ManagerContext } from "./context.ts";
import { copyLedger } from "./copy-ledger.ts";
import { makeDestinationHold } from "./hold-destination.ts";
import { watchForLoss } from "./lock-loss.ts";
import { makeLockWaits, openLedgerWaiting } from "./lock-waits.ts";
import { type Reached, withDestination } from "./reach-destination.ts";

/** Tells what taking a migration back would do; writes nothing. */
export async function foreseeUndo(plan: Plan, context: ManagerContext): Promise<Undone> {
  const { clock, log, env, stop } = context;
  const { signal } = stop;
  const runs = await readRuns(migrationFolder(plan));
  return await withReleasers(async (release) => {
    const scratch = await mkdtemp(join(tmpdir(), "migmgr-undo-"));
    release(() => rm(scratch, { recursive: true, force: true }));
    await copyLedger(ledgerFolder(plan), scratch);
    const ledger = await openLedger(scratch, { clock, signal });
    release(() => ledger.close());
    return await withDestination(plan, { clock, log, env, signal }, (reached) =>
      undoMigration(
        { plan: reached.plan, runs, act: false },
        {
          ...contextOf(plan, context, signal),
          ...{ ledger, destination: reached.destination, guard: unguarded },
        },
      ),
    );
  });
}

/**
 * Takes a migration back under its lock and the destination's, as a run would have them. What it
 * was is set aside in the end, so that it begins anew when it is started again.
 */
export async function takeBack(plan: Plan, context: ManagerContext): Promise<Undone> {
  const { clock, log, env } = context;
  const { signal, onLost } = watchForLoss(context.stop.signal);
  const folder = migrationFolder(plan);
  const runs = await readRuns(folder);
  await keepPrivate(dirname(folder));
  return await withReleasers(async (release) => {
    const waits = makeLockWaits(plan, { ...context, signal, show: () => undefined });
    const lock = await acquireLock(folder, { ...waits.patience(folder), onLost });
    release(() => lock.release());
    const ledger = await openLedgerWaiting(plan, lock, waits);
    release(() => ledger.close());
    const taken = await withDestination(plan, { clock, log, env, signal }, async (reached) => {
      const holding = { folder, destination: reached.destination, log, clock, signal };
      const hold = makeDestinationHold(reached.plan, { ...holding, waits, onLost });
      const guard = async () => {
        lock.check();
        await hold.guard("after");
      };
      const ctx = { ...contextOf(plan, context, signal), ledger, guard };
      try {
        return await reached.keep(async () => {
          await hold.take();
          const undone = await act(reached, runs, ctx);
          // What is set aside is not undone again, which would remove what is left of a lock.
          await hold.settle();
          return undone;
        });
      } catch (error) {
        throw reached.explain(error);
      } finally {
        await hold.release();
      }
    });
    lock.check();
    await setAside(folder, clock.now());
    return taken;
  });
}

async function act(
  { plan, destination }: Reached,
  runs: readonly string[],
  ctx: Omit<FilesContext, "destination">,
): Promise<Undone> {
  const guarded = guardedDestination(destination, ctx.guard);
  return await undoMigration({ plan, runs, act: true }, { ...ctx, destination: guarded });
}

function contextOf({ options }: Plan, { log, clock }: ManagerContext, signal: AbortSignal) {
  const seconds = options.retrySeconds;
  return {
    ...{ log, clock, signal, run: "undo" },
    ...(seconds === undefined ? {} : { retryBudget: seconds * 1000 }),
    report: (progress: unknown) => log.debug({ progress }, "Progress"),
  };
}

/** The journal goes last but for the plan: until then the undo can be done again. */
const setAsideInOrder = [
  /^report\.(json|html)$/,
  /^status(\.previous)?\.json$/,
  /^events\.ndjson$/,
  /^plan\.json$/,
];

async function setAside(folder: string, now: number) {
  const aside = join(folder, `undone-${Math.round(now)}`);
  await mkdir(aside, { recursive: true });
  const names = await readdir(folder);
  for (const pattern of setAsideInOrder) {
    for (const name of names.filter((one) => pattern.test(one))) {
      failpoint("undo.beforeAside");
      await rename(join(folder, name), join(aside, name));
      failpoint("undo.afterAside");
    }
    await syncFolder(folder);
  }
}
