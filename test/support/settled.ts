import type { KubeObject } from "../../src/kube/resource.ts";

export interface PodState {
  node?: string;
  isReady?: boolean;
  isTerminating?: boolean;
  /** Why its container waits: "CrashLoopBackOff". */
  waiting?: string;
}

/**
 * What an API server and its controllers make of objects that were applied: uids, Secrets in
 * base64, bound claims, and for each Deployment one pod, which is Ready.
 */
export function settled(objects: readonly KubeObject[]): KubeObject[] {
  return objects.flatMap((object) => {
    const { kind, metadata } = object;
    const uid = `uid-${kind.toLowerCase()}-${metadata.name}`;
    const known = { ...structuredClone(object), metadata: { uid, ...metadata } };
    if (kind === "Secret") return [withData(known)];
    if (kind === "PersistentVolumeClaim") return [{ ...known, status: { phase: "Bound" } }];
    return kind === "Deployment" ? [known, podOf(known)] : [known];
  });
}

function withData({ stringData, ...secret }: KubeObject): KubeObject {
  const data = Object.entries((stringData ?? {}) as Record<string, string>).map(([key, value]) => [
    key,
    Buffer.from(value).toString("base64"),
  ]);
  return { ...secret, data: Object.fromEntries(data) };
}

interface Template {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: Record<string, unknown> & { containers: { name: string }[] };
}

/** A pod of a Deployment, in a state. */
export function podOf(deployment: KubeObject, state: PodState = {}, suffix = "abcde"): KubeObject {
  const { name, namespace } = deployment.metadata;
  const { metadata, spec } = (deployment["spec"] as { template: Template }).template;
  const { node = "node1", isReady = true, isTerminating = false, waiting } = state;
  const ready = isReady && waiting === undefined;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${name}-7c9-${suffix}`,
      ...(namespace === undefined ? {} : { namespace }),
      uid: `uid-pod-${name}-${suffix}`,
      labels: { ...metadata?.labels, "pod-template-hash": "7c9" },
      annotations: { ...metadata?.annotations },
      ownerReferences: [{ kind: "ReplicaSet", name: `${name}-7c9`, uid: "u", controller: true }],
      ...(isTerminating ? { deletionTimestamp: "2024-01-01T00:00:00Z" } : {}),
    },
    spec: { ...spec, nodeName: node },
    status: {
      phase: "Running",
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
      containerStatuses: spec.containers.map((container) => ({
        ...{ name: container.name, ready, restartCount: 0 },
        state: waiting === undefined ? { running: {} } : { waiting: { reason: waiting } },
      })),
    },
  };
}
