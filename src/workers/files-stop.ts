import { MigrationError } from "../core/errors.ts";

/** Throws E_INTERRUPTED once the run is to stop. */
export function stopIfAborted(signal: AbortSignal, what: string) {
  if (!signal.aborted) return;
  throw new MigrationError("E_INTERRUPTED", `${what} was stopped`, {
    hint: "Start the migration again: it goes on where it stopped",
  });
}
