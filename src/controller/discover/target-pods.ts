import type { Pod } from "../../kube/pod.ts";
import { dataMounts, mountingWorkloads } from "./data-mount.ts";
import type { DiscoveredPod } from "./discovered.ts";
import { isSelected, sortOut } from "./ready-pods.ts";
import type { Release } from "./release.ts";
import type { Search } from "./search.ts";
import { type FoundWorkload, ownerOf } from "./workloads.ts";

/** The pods of the release that have the data folder and can be worked with. */
export function findTargetPods(search: Search, release: Release, mount: string): DiscoveredPod[] {
  const workloads = mountingWorkloads(search, release);
  const own = search.objects.pods.filter((pod) => workloads.some((one) => isOfWorkload(pod, one)));
  const { ready, unfit } = sortOut(own);
  if (ready.length === 0 && unfit.length > 0) {
    search.warn(`No pod that mounts the data can be worked with: ${unfit.join(", ")}`);
  }
  return ready.flatMap((pod) => {
    const container = dataMounts(pod.spec, mount)[0]?.container;
    return container === undefined ? [] : [toDiscovered(pod, container)];
  });
}

function isOfWorkload(pod: Pod, { kind, name, selector }: FoundWorkload): boolean {
  if (selector !== undefined) return isSelected(pod.metadata.labels, selector);
  const owner = ownerOf(pod);
  return owner?.kind === kind && owner.name === name;
}

export function toDiscovered({ metadata, spec }: Pod, container: string): DiscoveredPod {
  return {
    name: metadata.name,
    ...(spec.nodeName === undefined ? {} : { node: spec.nodeName }),
    container,
  };
}
