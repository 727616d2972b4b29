import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../core/clock.ts";
import { MigrationError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";

/** What reaching a destination needs. */
export interface ReachPorts {
  clock: Clock;
  log: Logger;
  /** Aborted when the run is to stop; what is opened here is still closed in order. */
  signal: AbortSignal;
  /** The proxies, and what else the API's client goes by. */
  env: Readonly<Record<string, string | undefined>>;
}

const loggedOutMs = 10_000;

/**
 * Repeats `work` for as long as the API does not take our token: it is read again from its file,
 * which the kubelet renews when the Secret is.
 */
export async function whileLoggedOut<T>(
  { log, signal }: Pick<ReachPorts, "log" | "signal">,
  work: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof MigrationError) || error.code !== "E_AUTHENTICATION") throw error;
      log.warn(
        { reason: error.message },
        "Waiting for another token: renew the migration's Secret with migctl secret create",
      );
      await sleep(loggedOutMs, undefined, { signal });
    }
  }
}
