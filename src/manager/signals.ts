import { type ExitCode, exitCodes } from "../core/errors.ts";

export interface Stop {
  signal: AbortSignal;
  /** The exit code that goes with what stopped us. */
  code(): ExitCode;
  release(): void;
}

/**
 * The first SIGTERM or SIGINT asks the work to write a checkpoint and stop; a second one ends the
 * process at once, which a later run survives as it survives any crash.
 */
export function stopOnSignals(target: NodeJS.Process): Stop {
  const controller = new AbortController();
  let exitCode: ExitCode = exitCodes.interrupted;
  function stop(code: ExitCode) {
    if (controller.signal.aborted) target.exit(code);
    exitCode = code;
    controller.abort();
  }
  const terminate = () => stop(exitCodes.terminated);
  const interrupt = () => stop(exitCodes.interrupted);
  target.on("SIGTERM", terminate).on("SIGINT", interrupt);
  return {
    signal: controller.signal,
    code: () => exitCode,
    release: () => void target.off("SIGTERM", terminate).off("SIGINT", interrupt),
  };
}
