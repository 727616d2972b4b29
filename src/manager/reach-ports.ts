import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import type { Waiting } from "../state/status.ts";
import type { LogIn } from "./log-in.ts";

/** What reaching a destination needs. */
export interface ReachPorts {
  clock: Clock;
  log: Logger;
  /** Aborted when the run is to stop; what is opened here is still closed in order. */
  signal: AbortSignal;
  /** The proxies, and what else the API's client goes by. */
  env: Readonly<Record<string, string | undefined>>;
  /** For the receiver's pod; it has some minutes where nothing is said. */
  startTimeoutSeconds?: number | undefined;
  /** Told when the run waits for another log-in, and with nothing when it goes on. */
  onWaiting?: ((waiting: Waiting | undefined) => void) | undefined;
  /** Without it a token that is refused is an error at once. */
  logIn?: LogIn | undefined;
}

/** Does `work`, which needs the destination's API, and waits while that takes no log-in of ours. */
export async function whileLoggedOut<T>(
  { logIn }: Pick<ReachPorts, "logIn">,
  work: () => Promise<T>,
): Promise<T> {
  return await (logIn === undefined ? work() : logIn.keep(work));
}
