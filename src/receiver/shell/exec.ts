import type { Readable, Writable } from "node:stream";

/** A command's streams; the same contract as the cluster's own exec session. */
export interface ShellSession {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  /** An exit code that proves nothing; rejects where the connection ended without one. */
  ended: Promise<number>;
  /** Leaves the command. */
  close(): void;
}

/** Runs a command where the folder is. Without `stdin` it reads nothing. */
export type Exec = (
  command: readonly string[],
  options: { stdin: boolean; signal?: AbortSignal },
) => Promise<ShellSession>;
