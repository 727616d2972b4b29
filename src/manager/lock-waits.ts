import { hasCode, MigrationError } from "../core/errors.ts";
import { ledgerFolder } from "../plan/inputs.ts";
import type { Plan } from "../plan/plan.ts";
import { type OpenLedger, openLedger } from "../state/ledger.ts";
import type { Lock } from "../state/lock.ts";
import type { Patience } from "../state/lock-watch.ts";
import type { Waiting } from "../state/status.ts";
import type { ManagerContext } from "./context.ts";

/** Waiting for what others hold: all waits of a run have one deadline, `--wait-lock` from its start. */
export interface LockWaits {
  /** For the next wait; `what` is in use by whom it names. */
  patience(what: string): Patience;
  /** Tells that nothing is waited for any more. */
  over(): void;
}

export interface WaitsPorts extends Pick<ManagerContext, "clock" | "log" | "lockTimes"> {
  signal: AbortSignal;
  /** Shows what is waited for, where there is a status. */
  show(waiting: Waiting | undefined): void;
}

const hint = "It goes on by itself once that ends; stop it to have it sooner";

export function makeLockWaits({ options }: Plan, ports: WaitsPorts): LockWaits {
  const { clock, log, lockTimes = {}, signal, show } = ports;
  const deadline = clock.elapsed() + (options.waitLockSeconds ?? 0) * 1000;
  let isShown = false;
  return {
    patience(what) {
      const waitSeconds = Math.max(0, deadline - clock.elapsed()) / 1000;
      function onWaiting(holder: string) {
        const reason = `"${what}" is in use by ${holder}`;
        log.info({ reason, waitSeconds }, "Waiting for another process");
        show({ since: Math.round(clock.now()), what: "another process", reason, hint });
        isShown = true;
      }
      return { ...lockTimes, clock, signal, waitSeconds, onWaiting };
    },
    over() {
      if (isShown) show(undefined);
      isShown = false;
    },
  };
}

/** A holder that was followed may still be there, asleep on this machine, with the ledger open. */
export async function openLedgerWaiting(
  plan: Plan,
  { followed }: Pick<Lock, "followed">,
  waits: LockWaits,
): Promise<OpenLedger> {
  const folder = ledgerFolder(plan);
  const { onWaiting, ...patience } = waits.patience(folder);
  const sleeper = followed === undefined ? "another migration" : followed;
  try {
    return await openLedger(folder, { ...patience, onWaiting: () => onWaiting?.(sleeper) });
  } catch (error) {
    if (followed === undefined || !hasCode(error, "E_LOCKED")) throw error;
    throw new MigrationError(
      "E_LOCKED",
      `${error.message}: ${followed} gave no sign of life and lost its lock, but may only sleep on this machine`,
      {
        cause: error,
        hint: "End that process (delete its pod), then start again; --wait-lock waits for its end",
      },
    );
  } finally {
    waits.over();
  }
}
