import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { asMigrationError, type ExitCode, exitCodes, type MigrationError } from "../core/errors.ts";
import { redactText } from "../core/secrets.ts";
import type { ManagerContext } from "./context.ts";
import type { RunEnd } from "./run-migration.ts";
import type { Stop } from "./signals.ts";

export interface PodFiles {
  /** Wait to be stopped once it is over, so that nothing restarts the container. */
  stay: boolean;
  /** Removed once a stop that was asked for is complete: a preStop hook waits for that. */
  readyFile?: string;
  /** Where the kubelet takes a container's last message from. */
  terminationLog?: string;
}

type Ended = RunEnd & { thrown?: MigrationError };

/** Runs a migration as the one program of a container. */
export async function liveInPod(
  work: () => Promise<RunEnd>,
  files: PodFiles,
  context: ManagerContext,
): Promise<ExitCode> {
  const { stop, log } = context;
  const end = await endOf(work);
  const wasStopped = isStop(end, stop.signal);
  await writeTerminationLog(wasStopped ? { exitCode: stop.code() } : end, files, context);
  if (wasStopped) {
    await untilEnded(files, context);
    return stop.code();
  }
  if (end.thrown && !files.stay) throw end.thrown;
  if (end.thrown) context.out.error(end.thrown, { json: false });
  if (!files.stay) return end.exitCode;
  const { exitCode, error } = end;
  log.info({ exitCode, ...(error ? { error } : {}) }, "Over; waiting to be stopped");
  await untilEnded(files, context);
  return exitCodes.done;
}

async function endOf(work: () => Promise<RunEnd>): Promise<Ended> {
  try {
    return await work();
  } catch (error) {
    const thrown = asMigrationError(error);
    const { code, message, hint } = thrown;
    const record = { code, message, ...(hint === undefined ? {} : { hint }) };
    return { exitCode: thrown.exitCode, error: record, thrown };
  }
}

function isStop({ exitCode, thrown }: Ended, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  if (thrown !== undefined) return thrown.code === "E_INTERRUPTED";
  return exitCode === exitCodes.interrupted || exitCode === exitCodes.terminated;
}

async function untilEnded({ readyFile }: PodFiles, { stop, log }: ManagerContext) {
  await untilStopped(stop);
  try {
    if (readyFile !== undefined) await rm(readyFile, { force: true });
  } catch (error) {
    log.warn({ err: error }, "Cannot remove the file that says that the manager is ready");
  }
  await staying(stop.ended);
}

/** Returns when the process is told to stop. */
export async function untilStopped({ signal }: Pick<Stop, "signal">) {
  if (!signal.aborted) await staying(once(signal, "abort"));
}

const longestTimer = 2 ** 31 - 1;

/** Listeners for signals do not keep a process running. */
async function staying(told: Promise<unknown>) {
  const timer = setInterval(() => undefined, longestTimer);
  await told;
  clearInterval(timer);
}

const longestMessage = 1500;

/** The kubelet keeps 4096 bytes; a message is cut so that what is kept stays JSON. */
async function writeTerminationLog(
  { exitCode, error }: RunEnd,
  { terminationLog }: PodFiles,
  { log }: ManagerContext,
) {
  if (terminationLog === undefined) return;
  const told = error && {
    code: error.code,
    message: redactText(error.message).slice(0, longestMessage),
    ...(error.hint === undefined ? {} : { hint: redactText(error.hint).slice(0, 500) }),
  };
  try {
    await writeFile(terminationLog, `${JSON.stringify({ exitCode, error: told })}\n`);
  } catch (error) {
    log.warn({ err: error }, "Cannot write the termination message");
  }
}
