import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../core/clock.ts";
import { MigrationError } from "../../core/errors.ts";
import type { Cluster } from "../../kube/cluster.ts";
import { deployments } from "../../kube/resources.ts";
import type { Workload } from "../../kube/workloads.ts";

export interface RolloutWait {
  cluster: Cluster;
  namespace: string;
  clock: Clock;
  signal: AbortSignal;
  /** By the clock's `elapsed`. */
  deadline: number;
}

const pollMilliseconds = 500;

/** Waits until all replicas of a Deployment are of its newest template, and available. */
export async function untilRolledOut(wait: RolloutWait, name: string) {
  const { cluster, namespace, clock, signal, deadline } = wait;
  for (;;) {
    const found = await cluster.get(deployments, name, namespace);
    if (found === undefined) throw isGone(namespace, name);
    const open = openPart(found);
    if (open === undefined) return;
    const failure = failureOf(found);
    if (failure !== undefined) throw notRolledOut(wait, { name, open, failure });
    if (clock.elapsed() >= deadline) throw notRolledOut(wait, { name, open });
    await sleep(pollMilliseconds, undefined, { signal });
  }
}

/** As `kubectl rollout status` tells it; undefined when it is done. */
function openPart({ metadata, spec, status }: Workload): string | undefined {
  const wanted = spec.replicas ?? 1;
  const { updatedReplicas: updated = 0, availableReplicas: available = 0 } = status ?? {};
  const replicas = status?.replicas ?? 0;
  if (Number(metadata["generation"] ?? 0) > (status?.observedGeneration ?? 0)) {
    return "the change was not seen by its controller";
  }
  if (updated < wanted) return `${updated} of ${wanted} pods are new`;
  if (replicas > updated) return `${replicas - updated} old pods are still there`;
  if (available < updated) return `${available} of ${updated} new pods are available`;
  return undefined;
}

function failureOf({ status }: Workload): string | undefined {
  const condition = status?.conditions?.find(
    ({ type, reason }) => type === "Progressing" && reason === "ProgressDeadlineExceeded",
  );
  return condition === undefined ? undefined : (condition.message ?? condition.reason);
}

function isGone(namespace: string, name: string): MigrationError {
  return new MigrationError(
    "E_CLUSTER",
    `There is no Deployment "${name}" in namespace "${namespace}"`,
    { hint: "See kubectl get deployments, and name the right one in the network config" },
  );
}

interface Stuck {
  name: string;
  open: string;
  failure?: string;
}

function notRolledOut({ namespace }: RolloutWait, { name, open, failure }: Stuck): MigrationError {
  const why = failure === undefined ? open : `${open} (${failure})`;
  return new MigrationError("E_TIMEOUT", `Deployment "${name}" is not rolled out: ${why}`, {
    hint: `See kubectl rollout status deployment/${name} -n ${namespace}, and the events of its pods`,
  });
}
