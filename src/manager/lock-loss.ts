import type { MigrationError } from "../core/errors.ts";

/** Ends a run whose lock is lost, whatever it is doing. */
export interface LockLoss {
  /** Aborted with the E_LOCKED. */
  readonly lost: AbortSignal;
  /** Aborted then as well, or when the run is to stop. */
  readonly signal: AbortSignal;
  onLost(error: MigrationError): void;
}

export function watchForLoss(stop: AbortSignal): LockLoss {
  const loss = new AbortController();
  return {
    lost: loss.signal,
    signal: AbortSignal.any([stop, loss.signal]),
    onLost: (error) => loss.abort(error),
  };
}
