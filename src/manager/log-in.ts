import { setTimeout as sleep } from "node:timers/promises";
import { asMigrationError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { ApiError } from "../kube/api-error.ts";
import type { Cluster } from "../kube/cluster.ts";
import type { Waiting } from "../state/status.ts";

/** The log-in to the destination's API, whose token may expire while it is worked on. */
export interface LogIn {
  /**
   * Does work that needs the API. Where it fails as the token was refused meanwhile, waits until
   * the API takes the one in the token's file, and does the work again.
   */
  keep<T>(work: () => Promise<T>): Promise<T>;
  /** Told of a failure that others see as something else: a refused token makes the run wait. */
  note(error: unknown): void;
}

export interface LogInOptions {
  cluster: Pick<Cluster, "can">;
  /** Where the manager's rights are. */
  namespace: string;
  /** The Secret that the token's file is of. */
  secret: string;
  now(): number;
  log: Logger;
  signal: AbortSignal;
  /** Told when the run begins to wait, and with nothing when it goes on. */
  onWaiting?: ((waiting: Waiting | undefined) => void) | undefined;
  pollMilliseconds?: number | undefined;
}

const defaultPoll = 5000;

export function watchLogIn(options: LogInOptions): LogIn {
  const { log, signal } = options;
  let waits = 0;
  let waiting: Promise<void> | undefined;
  function note(error: unknown) {
    if (waiting !== undefined || signal.aborted || !isRefusal(error)) return;
    waits += 1;
    waiting = untilTaken(error, options).finally(() => {
      waiting = undefined;
    });
    // Who waits for it hears of it; nobody has to.
    waiting.catch(() => undefined);
  }
  async function keep<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      const before = waits;
      try {
        return await work();
      } catch (error) {
        note(error);
        const wasOut = waiting !== undefined || waits > before;
        if (signal.aborted || !wasOut || !mayPass(error)) throw error;
        await waiting;
        log.info({ after: asMigrationError(error).message }, "Goes on with another log-in");
      }
    }
  }
  return { keep, note };
}

/** Of the API itself: a database refuses log-ins too. */
function isRefusal(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === "E_AUTHENTICATION";
}

function mayPass(error: unknown): boolean {
  return isRefusal(error) || asMigrationError(error).kind === "transient";
}

async function untilTaken({ message: reason }: ApiError, options: LogInOptions) {
  const { secret, now, log, signal, onWaiting, pollMilliseconds = defaultPoll } = options;
  const hint = `Renew the token of the destination, then the Secret "${secret}": migctl secret create, with the flags of the start`;
  log.warn({ reason, secret, hint }, "Waiting for another token: migctl secret create renews it");
  onWaiting?.({ since: Math.round(now()), what: "a log-in", reason, hint });
  try {
    do await sleep(pollMilliseconds, undefined, { signal });
    while (await isStillRefused(options));
    log.info({ secret }, "The API takes the log-in again");
  } finally {
    onWaiting?.(undefined);
  }
}

/** Any answer but a refusal will do: also that the right to ask is missing. */
async function isStillRefused({ cluster, namespace }: LogInOptions): Promise<boolean> {
  try {
    await cluster.can({ verb: "get", group: "", resource: "pods", namespace });
    return false;
  } catch (error) {
    return mayPass(error);
  }
}
