import type { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { execa } from "execa";
import { codeOf, MigrationError } from "./errors.ts";

export interface ProcessOptions {
  signal?: AbortSignal;
  /** Called with each piece of standard output, as text. */
  onOutput?: (text: string) => void;
  /** Variables beside PATH, HOME, TMPDIR and the locale; nothing else is inherited. */
  env?: Record<string, string>;
  /**
   * Takes, as soon as it runs, the other ends of its file descriptors 3, which it writes to, and 4,
   * which it reads from.
   */
  channel?: (fromChild: Readable, toChild: Writable) => void;
  /** Seconds between SIGTERM and SIGKILL once `signal` is aborted. */
  graceSeconds?: number;
}

export interface ProcessResult {
  exitCode: number;
  /** The signal that ended it, if one did. */
  signal: string | undefined;
  /** The last 64 KiB of standard error. */
  stderr: string;
  /** The last 64 KiB of standard output; empty where `onOutput` was told. */
  stdout: string;
}

const keptCharacters = 64 * 1024;
const channelPipes = ["pipe", "pipe"] as const;

/**
 * Runs a program to its end and returns how it ended; only a program that cannot be started
 * throws. An aborted signal ends the whole process group: SIGTERM first, SIGKILL after the grace.
 */
export async function runProcess(
  program: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<ProcessResult> {
  const child = execa(program, args, {
    reject: false,
    buffer: false,
    stdio: ["ignore", "pipe", "pipe", ...(options.channel ? channelPipes : [])],
    detached: true,
    cleanup: true,
    extendEnv: false,
    env: childEnvironment(options.env),
  });
  let kill: NodeJS.Timeout | undefined;
  const end = () => {
    kill ??= endGroup(child.pid, options.graceSeconds ?? 10);
  };
  options.signal?.addEventListener("abort", end, { once: true });
  if (options.signal?.aborted) end();
  options.channel?.(child.stdio[3] as Socket, child.stdio[4] as Socket);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    // Who is told of each piece keeps what he needs: the end of a long output is costly to keep.
    if (options.onOutput !== undefined) options.onOutput(text);
    else stdout = (stdout + text).slice(-keptCharacters);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-keptCharacters);
  });
  const result = await child;
  options.signal?.removeEventListener("abort", end);
  clearTimeout(kill);
  if (result.exitCode === undefined && result.signal === undefined) {
    throw cannotStart(program, result.cause);
  }
  return { exitCode: result.exitCode ?? -1, signal: result.signal, stderr, stdout };
}

function cannotStart(program: string, cause: unknown): MigrationError {
  const missing = codeOf(cause) === "ENOENT";
  return new MigrationError("E_PROGRAM", `Cannot start "${program}"`, {
    cause,
    hint: missing ? `Install ${program}, or put it on PATH` : "See the cause in the log",
  });
}

/** Only what a child needs: secrets in our own environment never reach it. */
export function childEnvironment(extra: Record<string, string> = {}): Record<string, string> {
  const kept: Record<string, string> = { LC_ALL: "C" };
  for (const name of ["PATH", "HOME", "TMPDIR", "SSH_AUTH_SOCK"]) {
    const value = process.env[name];
    if (value !== undefined) kept[name] = value;
  }
  return { ...kept, ...extra };
}

/** Asks a process group to end, and ends it after the grace; the timer is to be cleared. */
export function endGroup(
  pid: number | undefined,
  graceSeconds: number,
): NodeJS.Timeout | undefined {
  if (pid === undefined) return undefined;
  signalGroup(pid, "SIGTERM");
  return setTimeout(() => signalGroup(pid, "SIGKILL"), graceSeconds * 1000);
}

function signalGroup(pid: number, signal: NodeJS.Signals) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (codeOf(error) !== "ESRCH") throw error;
  }
}
