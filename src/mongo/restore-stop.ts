import { asMigrationError, codeOf, MigrationError } from "../core/errors.ts";

/** Does work that writes nothing; an abort of it is E_INTERRUPTED, whatever the work threw. */
export async function stoppable<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!signal.aborted || codeOf(error) === "E_INTERRUPTED") throw asMigrationError(error);
    throw new MigrationError("E_INTERRUPTED", "Stopped while reading; nothing was written", {
      hint: "Run the same command again",
      cause: error,
    });
  }
}
