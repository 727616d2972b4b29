import { setTimeout as sleep } from "node:timers/promises";
import { parseJson } from "../../core/parse-json.ts";
import type { Cluster } from "../../kube/cluster.ts";
import type { Pod } from "../../kube/pod.ts";
import { jobs, pods } from "../../kube/resources.ts";
import { RunResult } from "../../state/result.ts";

export interface EndedPod {
  cluster: Cluster;
  namespace: string;
  pod: Pod;
  /** The Job's name. */
  name: string;
  attempt: string;
  signal: AbortSignal;
}

/**
 * How a Job ended, by what its pod left, as there is nobody in it to ask any more; undefined while
 * it works, or where another pod takes over.
 */
export async function endOfJob(ended: EndedPod): Promise<RunResult | undefined> {
  const pod = await lastStateOf(ended);
  const phase = pod?.status?.phase ?? "";
  if (pod === undefined || !overPhases.has(phase)) return undefined;
  if (phase === "Failed" && !(await hasFailed(ended))) return undefined;
  const terminated = pod.status?.containerStatuses?.[0]?.state?.terminated;
  if (terminated === undefined) return undefined;
  const { name, attempt } = ended;
  return {
    ...{ version: 1, name, attempt, host: pod.metadata.name },
    finishedAt: Date.parse(terminated.finishedAt ?? "") || 0,
    ...(Termination.safeParse(parseJson(terminated.message ?? "")).data ?? {
      exitCode: terminated.exitCode,
    }),
  };
}

const overPhases: ReadonlySet<string> = new Set(["Succeeded", "Failed"]);
const pollMilliseconds = 500;
/** The kubelet tells of a container's end within moments. */
const mostLooks = 10;

async function lastStateOf({ cluster, namespace, pod, signal }: EndedPod) {
  for (let looks = 0; looks < mostLooks; looks += 1) {
    const now = await cluster.get(pods, pod.metadata.name, namespace);
    if (now === undefined || overPhases.has(now.status?.phase ?? "")) return now;
    await sleep(pollMilliseconds, undefined, { signal });
  }
  return undefined;
}

/** Until the Job says so, another pod may try again. */
async function hasFailed({ cluster, namespace, name }: EndedPod): Promise<boolean> {
  const job = await cluster.get(jobs, name, namespace);
  const conditions = job?.status?.conditions ?? [];
  return conditions.some(({ type, status }) => finalConditions.has(type) && status === "True");
}

const finalConditions: ReadonlySet<string> = new Set(["Failed", "FailureTarget"]);

const Termination = RunResult.pick({ exitCode: true, error: true });
