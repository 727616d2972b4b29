import { spawn } from "node:child_process";
import { constants } from "node:os";
import { MigrationError } from "../../src/core/errors.ts";
import type { Exec, ShellSession } from "../../src/receiver/shell/exec.ts";

export interface LocalExec {
  exec: Exec;
  /** Breaks all sessions that run, as a network does: what runs there goes on. */
  cut(): void;
}

/**
 * Runs commands on this machine as an API does in a pod: what is left goes on until its input ends,
 * the input never ends by itself, and the exit code is a lie.
 */
export function localExec({
  path = process.env["PATH"],
  onSession = () => undefined,
}: {
  path?: string | undefined;
  onSession?: (session: ShellSession & { cut(): void }, command: readonly string[]) => void;
} = {}): LocalExec {
  const running = new Set<() => void>();
  const exec: Exec = async (command, { stdin, signal }) => {
    signal?.throwIfAborted();
    const [program = "", ...args] = command;
    const child = spawn(program, args, { detached: true, env: { PATH: path } });
    const { promise: ended, resolve, reject } = Promise.withResolvers<number>();
    ended.catch(() => undefined);
    child.on("error", () => resolve(126));
    child.on("close", (code, name) =>
      resolve(code === null ? 128 + constants.signals[name ?? "SIGKILL"] : 0),
    );
    child.stdin.on("error", () => undefined);
    if (!stdin) child.stdin.end();
    function leave(error: Error) {
      reject(error);
      child.stdin.destroy();
      child.stdout.destroy();
      child.stderr.destroy();
    }
    const cut = () =>
      leave(new MigrationError("E_UNAVAILABLE", "The connection was cut by the test"));
    running.add(cut);
    ended.finally(() => running.delete(cut)).catch(() => undefined);
    signal?.addEventListener("abort", () => leave(signal.reason), { once: true });
    const close = () => leave(new MigrationError("E_INTERRUPTED", "It was left before its end"));
    const session = {
      stdin: child.stdin,
      stdout: child.stdout,
      stderr: child.stderr,
      ended,
      close,
    };
    onSession({ ...session, cut }, command);
    return session;
  };
  function cut() {
    for (const cutOne of running) cutOne();
  }
  return { exec, cut };
}
