import { isUnavailable, MigrationError } from "../core/errors.ts";

/** The connection that files were sent over broke: sending may go on over a new one. */
export class BrokenStream extends MigrationError {
  constructor(message: string, cause?: unknown) {
    super("E_UNAVAILABLE", message, {
      cause,
      hint: "Check the network and the destination, then start again: it goes on where it stopped",
    });
  }
}

/** What became of a stream to the destination: an error that may pass becomes a `BrokenStream`. */
export function asBrokenStream(error: unknown): unknown {
  return isUnavailable(error) ? new BrokenStream(error.message, error) : error;
}
