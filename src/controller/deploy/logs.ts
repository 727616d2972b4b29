import type { Clock } from "../../core/clock.ts";
import { MigrationError } from "../../core/errors.ts";
import type { Cluster } from "../../kube/cluster.ts";
import { listLive } from "./live.ts";
import { linesOf, whileUnavailable } from "./pod-manager.ts";

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

/** Hands on the log of a migration's pod, and of those that take over from it while it is followed. */
export async function followLogs(request: LogRequest) {
  const { signal, onRetry, follow } = request;
  const seen = { pod: "", lines: 0 };
  if (!follow) return await readOnce(request, seen);
  await whileUnavailable(() => readOnce(request, seen), { signal, onRetry });
}

interface SeenLines {
  pod: string;
  /** Of that pod's log, so that a connection that is made again goes on where it was. */
  lines: number;
}

async function readOnce(request: LogRequest, seen: SeenLines) {
  const { cluster, namespace, name, follow, previous, signal } = request;
  const [live] = await listLive(cluster, namespace, name);
  if (live === undefined) throw isGone(name);
  const pod = live.pod?.metadata.name;
  if (pod === undefined) throw notYet(name);
  if (seen.pod !== pod) Object.assign(seen, { pod, lines: 0 });
  const isFirst = seen.lines === 0;
  const tail = isFirst && request.tail !== undefined ? { tail: request.tail } : {};
  const log = await cluster.logs({ namespace, pod }, { follow, previous, signal, ...tail });
  let skip = seen.lines;
  for await (const line of linesOf(log)) {
    if (skip > 0) skip -= 1;
    else {
      if (request.tail === undefined) seen.lines += 1;
      request.onLine(line);
    }
  }
  if (follow) throw notYet(name);
}

function isGone(name: string): MigrationError {
  return new MigrationError("E_NO_MIGRATION", `The migration "${name}" was deleted`, {
    hint: `Its end is known: migctl status --name ${name}`,
  });
}

function notYet(name: string): MigrationError {
  return new MigrationError("E_UNAVAILABLE", `The pod of "${name}" does not run now`);
}
