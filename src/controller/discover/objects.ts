import type { Cluster } from "../../kube/cluster.ts";
import type { ConfigMap, Service } from "../../kube/namespace-objects.ts";
import type { Pod } from "../../kube/pod.ts";
import type { Resource } from "../../kube/resource.ts";
import {
  configMaps,
  deployments,
  persistentVolumeClaims,
  pods,
  services,
  statefulSets,
} from "../../kube/resources.ts";
import type { PersistentVolumeClaim } from "../../kube/storage.ts";
import { managedBy } from "../labels.ts";
import { ifPermitted } from "./permitted.ts";
import { isSelected } from "./ready-pods.ts";
import { type FoundWorkload, fromPods, fromWorkload } from "./workloads.ts";

/** What there is in a namespace, as far as it may be seen; nothing that we made ourselves. */
export interface NamespaceObjects {
  pods: Pod[];
  services: Service[];
  claims: PersistentVolumeClaim[];
  configMaps: ConfigMap[];
  workloads: FoundWorkload[];
  /** The kinds that may not be listed. */
  refused: string[];
}

export async function readObjects(
  cluster: Cluster,
  namespace: string,
  signal?: AbortSignal,
): Promise<NamespaceObjects> {
  const refused: string[] = [];
  const options = signal === undefined ? {} : { signal };
  async function listed<T extends { metadata: { labels?: Record<string, string> | undefined } }>(
    resource: Resource<T>,
  ): Promise<T[] | undefined> {
    const all = await ifPermitted(cluster.list(resource, namespace, options));
    if (all === undefined) refused.push(resource.plural);
    return all?.filter(({ metadata }) => !isSelected(metadata.labels, managedBy));
  }
  // Without pods nothing can be told: that refusal is the answer.
  const allPods = await cluster.list(pods, namespace, options);
  const ours = allPods.filter(({ metadata }) => !isSelected(metadata.labels, managedBy));
  const [services_, claims, maps, ofDeployments, ofStatefulSets] = await Promise.all([
    listed(services),
    listed(persistentVolumeClaims),
    listed(configMaps),
    listed(deployments),
    listed(statefulSets),
  ]);
  const ofPods = fromPods(ours);
  const seen = (kind: string) => ofPods.filter((one) => one.kind === kind);
  return {
    pods: ours,
    services: services_ ?? [],
    claims: claims ?? [],
    configMaps: maps ?? [],
    workloads: [
      ...(ofDeployments?.map((one) => fromWorkload("Deployment", one)) ?? seen("Deployment")),
      ...(ofStatefulSets?.map((one) => fromWorkload("StatefulSet", one)) ?? seen("StatefulSet")),
    ],
    refused: refused.sort(),
  };
}
