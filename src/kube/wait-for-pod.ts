import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../core/clock.ts";
import { hasCode, MigrationError } from "../core/errors.ts";
import type { Cluster } from "./cluster.ts";
import type { Pod } from "./pod.ts";
import { deployments, events, jobs, pods } from "./resources.ts";
import { type StartProblem, startProblem, toError } from "./start-problem.ts";

export interface PodWait {
  cluster: Cluster;
  namespace: string;
  /** Of the Deployment or Job; absent for a pod of its own. */
  workload?: { kind: "Deployment" | "Job"; name: string };
  /** Selects the pod. */
  labels: string;
  /** Of the selected pods: one of an earlier template may still run. */
  isMeant?: (pod: Pod) => boolean;
  timeoutSeconds: number;
  clock: Clock;
  signal: AbortSignal;
  /** Told each time that something else keeps the pod from running. */
  onProblem?: (problem: StartProblem) => void;
}

const pollMilliseconds = 1000;

/**
 * Waits until a pod's container runs (or has ended by itself). Throws at once what waiting does
 * not mend, and what keeps it from running when the time is over.
 */
export async function waitForPod(wait: PodWait): Promise<Pod> {
  const start = wait.clock.elapsed();
  const isFinal = believe();
  let last: StartProblem | undefined;
  for (;;) {
    const seen = await look(wait);
    const pod = seen.pods.find(hasStarted);
    if (pod !== undefined) return pod;
    if (wait.workload !== undefined && seen.workload === undefined) throw isGone(wait.workload);
    const problem = startProblem(seen);
    if (isFinal(problem) && problem !== undefined) throw toError(problem);
    if (problem !== undefined && problem.message !== last?.message) wait.onProblem?.(problem);
    last = problem ?? last;
    if (wait.clock.elapsed() - start > wait.timeoutSeconds * 1000) throw tooLate(wait, last);
    await sleep(pollMilliseconds, undefined, { signal: wait.signal });
  }
}

const looksToBelieve = 3;

/** For a moment a workload that was changed still tells of what it was before. */
function believe() {
  let looks = 0;
  return (problem: StartProblem | undefined): boolean => {
    looks = problem?.final ? looks + 1 : 0;
    return looks >= looksToBelieve;
  };
}

async function look({ cluster, namespace, workload, labels, isMeant, signal }: PodWait) {
  const resource = workload?.kind === "Job" ? jobs : deployments;
  const [object, all, told] = await Promise.all([
    workload === undefined ? undefined : cluster.get(resource, workload.name, namespace),
    cluster.list(pods, namespace, { labels, signal }),
    cluster.list(events, namespace, { signal }).catch(noneIfForbidden),
  ]);
  const found = isMeant === undefined ? all : all.filter(isMeant);
  const names = new Set([workload?.name, ...found.map(({ metadata }) => metadata.name)]);
  const ours = told.filter(({ involvedObject: { name = "" } }) =>
    isOf(name, names, workload?.name),
  );
  return { workload: object, pods: found, events: ours };
}

/** Without them less is known of why a pod waits; that is no reason not to wait. */
function noneIfForbidden(error: unknown): [] {
  if (hasCode(error, "E_PERMISSION")) return [];
  throw error;
}

/** Events about the pod are the pod's, those about its ReplicaSet bear the workload's name too. */
function isOf(name: string, names: Set<string | undefined>, workload: string | undefined) {
  return names.has(name) || (workload !== undefined && name.startsWith(`${workload}-`));
}

function hasStarted({ metadata, status }: Pod): boolean {
  if (metadata.deletionTimestamp !== undefined) return false;
  if (status?.phase === "Succeeded" || status?.phase === "Failed") return true;
  const [container] = status?.containerStatuses ?? [];
  return container?.state?.running !== undefined && container.started !== false;
}

function isGone({ kind, name }: { kind: string; name: string }): MigrationError {
  return new MigrationError("E_NO_MIGRATION", `The ${kind} "${name}" was deleted`, {
    hint: "Start the migration again: it goes on where it stopped",
  });
}

function tooLate(wait: PodWait, problem: StartProblem | undefined): MigrationError {
  if (problem !== undefined) return toError(problem);
  const what = wait.workload?.name ?? wait.labels;
  return new MigrationError(
    "E_TIMEOUT",
    `The pod of "${what}" did not start within ${wait.timeoutSeconds} s`,
    { hint: "Look at it with kubectl describe pod; give it longer with --start-timeout" },
  );
}
