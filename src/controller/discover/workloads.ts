import type { Pod } from "../../kube/pod.ts";
import type { Workload } from "../../kube/workloads.ts";

type PodSpec = Pod["spec"];
type Labels = Readonly<Record<string, string>>;

/** What runs pods: as it is listed, or as the pods themselves tell it where that is not allowed. */
export interface FoundWorkload {
  kind: string;
  name: string;
  labels: Labels;
  annotations: Labels;
  /** Undefined where only its pods may be seen. */
  replicas: number | undefined;
  selector: Labels | undefined;
  spec: PodSpec;
  /** As it is named in messages. */
  from: string;
}

export function fromWorkload(kind: string, { metadata, spec }: Workload): FoundWorkload {
  return {
    kind,
    name: metadata.name,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    replicas: spec.replicas ?? 1,
    selector: spec.selector?.matchLabels,
    spec: spec.template.spec,
    from: `${kind} "${metadata.name}"`,
  };
}

/** One for each owner of pods. */
export function fromPods(pods: readonly Pod[]): FoundWorkload[] {
  const found = new Map<string, FoundWorkload>();
  for (const pod of pods) {
    const owner = ownerOf(pod);
    if (owner === undefined || found.has(`${owner.kind} ${owner.name}`)) continue;
    found.set(`${owner.kind} ${owner.name}`, {
      ...owner,
      labels: pod.metadata.labels ?? {},
      annotations: pod.metadata.annotations ?? {},
      replicas: undefined,
      selector: undefined,
      spec: pod.spec,
      from: `Pod "${pod.metadata.name}"`,
    });
  }
  return [...found.values()];
}

/** A Deployment's ReplicaSet bears its name with the hash of the pod's template behind it. */
export function ownerOf({ metadata }: Pod): { kind: string; name: string } | undefined {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return undefined;
  const hash = metadata.labels?.["pod-template-hash"];
  if (owner.kind !== "ReplicaSet" || hash === undefined || !owner.name.endsWith(`-${hash}`)) {
    return { kind: owner.kind, name: owner.name };
  }
  return { kind: "Deployment", name: owner.name.slice(0, -hash.length - 1) };
}
