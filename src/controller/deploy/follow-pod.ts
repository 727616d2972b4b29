import type { Clock } from "../../core/clock.ts";
import { MigrationError } from "../../core/errors.ts";
import type { Cluster } from "../../kube/cluster.ts";
import type { Pod } from "../../kube/pod.ts";
import type { StartProblem } from "../../kube/start-problem.ts";
import { waitForPod } from "../../kube/wait-for-pod.ts";
import { migrationFolder } from "../../plan/inputs.ts";
import type { Plan } from "../../plan/plan.ts";
import type { RunResult } from "../../state/result.ts";
import type { Status } from "../../state/status.ts";
import { isOfAttempt, managerSelector } from "../labels.ts";
import { endOfJob } from "./job-end.ts";
import { type PodManager, watchPod, whileUnavailable } from "./pod-manager.ts";

export interface Followed {
  cluster: Cluster;
  namespace: string;
  kind: "Deployment" | "Job";
  plan: Plan;
  /** Which start of it. */
  attempt: string;
  startTimeoutSeconds: number;
  clock: Clock;
  signal: AbortSignal;
  onStatus(status: Status): void;
  onProblem(problem: StartProblem): void;
  /** Told when the connection to the pod is made again. */
  onRetry(error: MigrationError): void;
  /** Reads the status from the volume, where the pod is over and tells nothing more. */
  readStatus(folder: string): Promise<Status | undefined>;
}

/**
 * Follows a migration from the start of its pod to the end of its run, through pods that take
 * over from one another and connections that end; the migration does not notice any of it.
 * Returns how the run ended.
 */
export async function followPod(followed: Followed): Promise<RunResult> {
  const { signal, onRetry } = followed;
  return await whileUnavailable(() => followOnce(followed), { signal, onRetry });
}

async function followOnce(followed: Followed): Promise<RunResult> {
  const pod = await startedPod(followed);
  try {
    return await watchToEnd(followed, pod);
  } catch (error) {
    followed.signal.throwIfAborted();
    const result = followed.kind === "Job" ? await endedMeanwhile(followed, pod) : undefined;
    if (result === undefined) throw error;
    return result;
  }
}

async function watchToEnd(followed: Followed, pod: Pod): Promise<RunResult> {
  const { plan, attempt, signal } = followed;
  const watched = { folder: migrationFolder(plan), attempt, signal };
  for await (const { status, result } of watchPod(managerIn(followed, pod), watched)) {
    if (status !== undefined) followed.onStatus(status);
    if (result !== undefined) return result;
  }
  throw new MigrationError("E_UNAVAILABLE", `The pod "${pod.metadata.name}" is being replaced`, {
    hint: "The next one goes on where it stopped",
  });
}

/** A Job's pod is over with its run: it may be gone before it told so. */
async function endedMeanwhile(followed: Followed, pod: Pod): Promise<RunResult | undefined> {
  const { cluster, namespace, plan, attempt, signal } = followed;
  const result = await endOfJob({ cluster, namespace, pod, name: plan.name, attempt, signal });
  if (result === undefined) return undefined;
  const status = await followed.readStatus(migrationFolder(plan));
  if (status !== undefined) followed.onStatus(status);
  return result;
}

/** The pod of a migration once it runs. */
async function startedPod(
  followed: Omit<Followed, "onStatus" | "onRetry" | "readStatus">,
): Promise<Pod> {
  const { cluster, namespace, kind, plan, attempt, clock, signal, onProblem } = followed;
  return await waitForPod({
    ...{ cluster, namespace, clock, signal, onProblem },
    workload: { kind, name: plan.name },
    labels: managerSelector(plan.name),
    isMeant: isOfAttempt(attempt),
    timeoutSeconds: followed.startTimeoutSeconds,
  });
}

function managerIn(
  { cluster, namespace }: Pick<Followed, "cluster" | "namespace">,
  { metadata }: Pod,
): PodManager {
  return { cluster, container: { namespace, pod: metadata.name } };
}
