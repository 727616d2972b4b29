import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../core/clock.ts";
import { hasCode, MigrationError } from "../../core/errors.ts";
import type { Cluster } from "../../kube/cluster.ts";
import type { Resource } from "../../kube/resource.ts";
import {
  configMaps,
  deployments,
  jobs,
  networkPolicies,
  pods,
  secrets,
  serviceAccounts,
} from "../../kube/resources.ts";
import { componentLabel, managerSelector, selectorOf } from "../labels.ts";

export interface Removal {
  cluster: Cluster;
  namespace: string;
  name: string;
  clock: Clock;
  signal: AbortSignal;
}

const pollMilliseconds = 500;
/** The pod's own grace period, and what the API and the kubelet need beside it. */
const longestEndMs = 240_000;

/** Ends the manager's pod, which writes its checkpoint first, and returns when it is gone. */
export async function stopManager(removal: Removal) {
  const { cluster, namespace, name } = removal;
  const labels = managerSelector(name);
  for (const resource of [deployments, jobs] as Resource<Named>[]) {
    for (const { metadata } of await cluster.list(resource, namespace, { labels })) {
      const only = metadata.uid === undefined ? {} : { uid: metadata.uid };
      await cluster.delete(resource, metadata.name, namespace, only);
    }
  }
  await untilGone(removal, labels);
}

interface Named {
  metadata: { name: string; uid?: string | undefined; labels?: Record<string, string> | undefined };
}

async function untilGone({ cluster, namespace, name, clock, signal }: Removal, labels: string) {
  const start = clock.elapsed();
  for (;;) {
    const left = await cluster.list(pods, namespace, { labels, signal });
    if (left.length === 0) return;
    if (clock.elapsed() - start > longestEndMs) throw stillThere(name, left[0]?.metadata.name);
    await sleep(pollMilliseconds, undefined, { signal });
  }
}

function stillThere(name: string, pod: string | undefined): MigrationError {
  return new MigrationError("E_TIMEOUT", `The pod "${pod ?? ""}" of "${name}" does not end`, {
    hint: `See kubectl describe pod ${pod ?? ""}; is its node there?`,
  });
}

/** What we make besides the workload itself; what is not listed here is never removed. */
const made = [pods, secrets, configMaps, serviceAccounts, networkPolicies] as Resource<Named>[];

/**
 * Removes what bears this migration's labels, but for its result and what a quiesced source is to
 * get back. Returns what it removed.
 */
export async function removeObjects({ cluster, namespace, name }: Removal): Promise<string[]> {
  const removed: string[] = [];
  const labels = `${selectorOf(name)},${componentLabel} notin (result,quiesce)`;
  for (const resource of made) {
    for (const { metadata } of await listAllowed(cluster, resource, { namespace, labels })) {
      if (await cluster.delete(resource, metadata.name, namespace)) {
        removed.push(`${resource.kind} ${metadata.name}`);
      }
    }
  }
  return removed;
}

/** A kind that must not be listed was not made by us either: all of ours need no other right. */
async function listAllowed(
  cluster: Cluster,
  resource: Resource<Named>,
  { namespace, labels }: { namespace: string; labels: string },
) {
  try {
    return await cluster.list(resource, namespace, { labels });
  } catch (error) {
    if (hasCode(error, "E_PERMISSION")) return [];
    throw error;
  }
}
