import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../core/clock.ts";
import { MigrationError } from "../../core/errors.ts";
import { linesOf } from "../../core/lines.ts";
import { ApiError } from "../../kube/api-error.ts";
import type { Cluster } from "../../kube/cluster.ts";
import type { Pod } from "../../kube/pod.ts";
import { migrationFolder } from "../../plan/inputs.ts";
import { attemptAnnotation } from "../labels.ts";
import { endOfJob } from "./job-end.ts";
import { type LiveMigration, listLive } from "./live.ts";
import { watchPod, whileUnavailable } from "./pod-manager.ts";

export interface LogRequest {
  cluster: Cluster;
  namespace: string;
  name: string;
  clock: Clock;
  signal: AbortSignal;
  follow: boolean;
  previous: boolean;
  tail: number | undefined;
  onLine(line: string): void;
  onRetry(error: MigrationError): void;
}

/**
 * Hands on the log of a migration's pod. One that is followed goes on with the pods that take over,
 * until this start of the migration has ended.
 */
export async function followLogs(request: LogRequest) {
  const { signal, onRetry, follow } = request;
  const seen = { pod: "", lines: 0, at: request.clock.elapsed() };
  if (!follow) return await readLog(request, (await runningOf(request)).pod, seen);
  await whileUnavailable(() => followOnce(request, seen), { signal, onRetry });
}

interface SeenLines {
  pod: string;
  /** Of that pod's log, so that a connection that is made again goes on where it was. */
  lines: number;
  /** When the last one came, by the clock's `elapsed`. */
  at: number;
}

type Running = LiveMigration & { pod: Pod };

async function runningOf({ cluster, namespace, name }: LogRequest): Promise<Running> {
  const [live] = await listLive(cluster, namespace, name);
  if (live === undefined) throw isGone(name);
  const { pod } = live;
  if (pod === undefined) throw notYet(name);
  return { ...live, pod };
}

/** A manager that is done stays until it is deleted: its log goes on without another line. */
async function followOnce(request: LogRequest, seen: SeenLines) {
  const running = await runningOf(request);
  const over = new AbortController();
  const left = new AbortController();
  const watched = { ...request, signal: AbortSignal.any([request.signal, left.signal]) };
  untilOver(watched, running)
    .then(() => untilQuiet(watched, seen))
    .then(() => over.abort())
    // Without an answer the log itself is followed: it ends with the pod.
    .catch(() => undefined);
  try {
    const signal = AbortSignal.any([request.signal, over.signal]);
    await readLog({ ...request, signal }, running.pod, seen);
  } catch (error) {
    if (!over.signal.aborted) throw isBetweenPods(error) ? notYet(request.name) : error;
  } finally {
    left.abort();
  }
  if (over.signal.aborted || (await isJobOver(request, running))) return;
  throw notYet(request.name);
}

/** The API has no log of a pod that is just gone, nor of one whose container is still made. */
function isBetweenPods(error: unknown): boolean {
  return error instanceof ApiError && error.code === "E_CLUSTER";
}

async function untilOver(
  { cluster, namespace, signal }: LogRequest,
  { pod, plan, object }: Running,
): Promise<void> {
  if (plan === undefined) throw notYet(pod.metadata.name);
  const manager = { cluster, container: { namespace, pod: pod.metadata.name } };
  const watched = { folder: migrationFolder(plan), attempt: attemptOf(object), signal };
  async function watch() {
    for await (const { result } of watchPod(manager, watched)) {
      if (result !== undefined) return;
    }
    throw notYet(pod.metadata.name);
  }
  await whileUnavailable(watch, { signal, onRetry: () => undefined });
}

const quietMilliseconds = 1000;

/** What was written before the end may still be on its way. */
async function untilQuiet({ clock, signal }: LogRequest, seen: SeenLines) {
  const start = clock.elapsed();
  for (;;) {
    const rest = quietMilliseconds - (clock.elapsed() - Math.max(start, seen.at));
    if (rest <= 0) return;
    await sleep(rest, undefined, { signal });
  }
}

async function isJobOver(request: LogRequest, { kind, pod, object }: Running): Promise<boolean> {
  if (kind !== "Job") return false;
  const { cluster, namespace, name, signal } = request;
  const attempt = attemptOf(object);
  return (await endOfJob({ cluster, namespace, pod, name, attempt, signal })) !== undefined;
}

function attemptOf({ metadata }: Running["object"]): string {
  return metadata.annotations?.[attemptAnnotation] ?? "";
}

async function readLog(request: LogRequest, { metadata }: Pod, seen: SeenLines) {
  const { cluster, namespace, follow, previous, signal, clock } = request;
  const pod = metadata.name;
  if (seen.pod !== pod) Object.assign(seen, { pod, lines: 0 });
  const isFirst = seen.lines === 0;
  const tail = isFirst && request.tail !== undefined ? { tail: request.tail } : {};
  const log = await cluster.logs({ namespace, pod }, { follow, previous, signal, ...tail });
  let skip = seen.lines;
  for await (const line of linesOf(log)) {
    seen.at = clock.elapsed();
    if (skip > 0) skip -= 1;
    else {
      if (request.tail === undefined) seen.lines += 1;
      request.onLine(line);
    }
  }
}

function isGone(name: string): MigrationError {
  return new MigrationError("E_NO_MIGRATION", `The migration "${name}" was deleted`, {
    hint: `Its end is known: migctl status --name ${name}`,
  });
}

function notYet(name: string): MigrationError {
  return new MigrationError("E_UNAVAILABLE", `The pod of "${name}" does not run now`);
}
