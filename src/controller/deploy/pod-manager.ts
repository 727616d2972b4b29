import { setTimeout as sleep } from "node:timers/promises";
import { isUnavailable, type MigrationError } from "../../core/errors.ts";
import { linesOf } from "../../core/lines.ts";
import type { Cluster, ContainerRef } from "../../kube/cluster.ts";
import { Seen } from "../../state/watch.ts";
import { type Question, readAnswer } from "../manager.ts";

/** The manager's program in a container that runs. */
export interface PodManager {
  cluster: Cluster;
  container: ContainerRef;
}

/** As `askManager`, by exec in the pod. */
export async function askPod<T>(
  { cluster, container }: PodManager,
  { args, input, schema, signal, onLog }: Question<T>,
): Promise<T> {
  const command = ["migmgr", ...args, "-o", "json"];
  const session = await cluster.exec(container, command, signal === undefined ? {} : { signal });
  session.stdin.on("error", () => undefined);
  session.stdin.end(input === undefined ? "" : JSON.stringify(input));
  const [exitCode, stdout, stderr] = await Promise.all([
    session.ended,
    textOf(session.stdout),
    logOf(session.stderr, onLog),
  ]);
  return readAnswer({ exitCode, stdout, stderr }, schema);
}

async function textOf(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString("utf8");
}

/** Hands on each line, and returns the last ones. */
async function logOf(
  stream: AsyncIterable<Buffer | string>,
  onLog: Question<unknown>["onLog"],
): Promise<string> {
  let last = "";
  for await (const line of linesOf(stream)) {
    onLog?.(line);
    last = `${last}${line}\n`.slice(-lastCharacters);
  }
  return last;
}

const lastCharacters = 20_000;

export interface Watched {
  folder: string;
  /** Which start of the migration. */
  attempt: string;
  signal: AbortSignal;
}

/**
 * What becomes of a migration, each time that it changes, until this start of it has ended. Throws
 * E_UNAVAILABLE when the connection to the pod ended before that.
 */
export async function* watchPod(
  { cluster, container }: PodManager,
  { folder, attempt, signal }: Watched,
): AsyncGenerator<Seen> {
  const command = ["migmgr", "status", "--folder", folder, "--watch", attempt];
  const session = await cluster.exec(container, command, { signal });
  session.stdin.on("error", () => undefined);
  session.stdin.end();
  session.stderr.resume();
  const ended = session.ended.then(
    (exitCode) => ({ exitCode }),
    (error: unknown) => ({ error }),
  );
  try {
    for await (const line of linesOf(session.stdout)) {
      const seen = Seen.safeParse(JSON.parse(line)).data;
      if (seen !== undefined) yield seen;
    }
    const end = await ended;
    if ("error" in end) throw end.error;
  } finally {
    session.close();
  }
}

const growth = 2;
const longestPauseMs = 15_000;

/** Calls `again` after growing pauses for as long as it throws E_UNAVAILABLE. */
export async function whileUnavailable<T>(
  again: () => Promise<T>,
  { signal, onRetry }: { signal: AbortSignal; onRetry: (error: MigrationError) => void },
): Promise<T> {
  let pause = 500;
  for (;;) {
    try {
      return await again();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      onRetry(error);
      await sleep(pause, undefined, { signal });
      pause = Math.min(pause * growth, longestPauseMs);
    }
  }
}
