import { type ExitCode, exitCodes } from "../core/errors.ts";

export interface Stop {
  /** Aborted when the work is to write a checkpoint and stop. */
  signal: AbortSignal;
  /** Resolves when the process is to end as well; after SIGUSR2 that is told by SIGTERM. */
  ended: Promise<void>;
  /** The exit code that goes with what stopped us. */
  code(): ExitCode;
  release(): void;
}

/**
 * The first SIGTERM or SIGINT asks the work to write a checkpoint and stop; a second one ends the
 * process at once, which a later run survives as it survives any crash. SIGUSR2 asks for the same
 * as SIGTERM does, may come any number of times, and leaves it to SIGTERM to end the process.
 */
export function stopOnSignals(target: NodeJS.Process): Stop {
  const controller = new AbortController();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let exitCode: ExitCode = exitCodes.interrupted;
  let isEnding = false;
  function stop(code: ExitCode) {
    if (isEnding) target.exit(code);
    isEnding = true;
    exitCode = code;
    controller.abort();
    end();
  }
  function checkpoint() {
    if (controller.signal.aborted) return;
    exitCode = exitCodes.terminated;
    controller.abort();
  }
  const terminate = () => stop(exitCodes.terminated);
  const interrupt = () => stop(exitCodes.interrupted);
  target.on("SIGTERM", terminate).on("SIGINT", interrupt).on("SIGUSR2", checkpoint);
  return {
    signal: controller.signal,
    ended,
    code: () => exitCode,
    release() {
      target.off("SIGTERM", terminate).off("SIGINT", interrupt).off("SIGUSR2", checkpoint);
    },
  };
}
