import { randomBytes } from "node:crypto";
import type { Cluster } from "../../kube/cluster.ts";
import { PodSpec } from "../../kube/pod.ts";
import type { KubeObject } from "../../kube/resource.ts";
import { Workload } from "../../kube/workloads.ts";
import type { RenderInput } from "../render/input.ts";
import { renderMigration } from "../render/migration.ts";
import { renderReceiver } from "../render/receiver.ts";

/** The manager's pod as its workload would make it. */
export function managerPod(input: RenderInput): KubeObject {
  const workload = renderMigration(input).at(-1);
  const { template } = Workload.parse(workload).spec;
  return podOf(template.spec, input.namespace, template.metadata?.labels);
}

export function receiverPod(input: RenderInput): KubeObject | undefined {
  const { receiver } = input;
  if (receiver === undefined) return undefined;
  const { spec, metadata } = renderReceiver(input, receiver);
  return podOf(PodSpec.parse(spec), receiver.namespace, metadata.labels);
}

/** With an account that is there: admission refuses one that is made later. */
function podOf(
  { serviceAccountName: _, ...spec }: PodSpec,
  namespace: string,
  labels: Record<string, string> | undefined,
): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `migctl-doctor-${randomBytes(4).toString("hex")}`,
      namespace,
      ...(labels === undefined ? {} : { labels }),
    },
    spec: { restartPolicy: "Never", ...spec, serviceAccountName: "default" },
  };
}

export function specOf(pod: KubeObject): PodSpec {
  return PodSpec.parse(pod["spec"]);
}

export interface DryRun {
  /** Milliseconds that the API's clock is ahead of ours, at least; it tells no more than seconds. */
  clockOffsetMs: number | undefined;
}

/** Has the API look at an object with all of its admission; nothing is kept. */
export async function dryRun(
  cluster: Pick<Cluster, "create">,
  object: KubeObject,
  now: () => number,
): Promise<DryRun> {
  const before = now();
  const { metadata } = await cluster.create(object, { dryRun: true });
  return { clockOffsetMs: offsetOf(metadata.creationTimestamp, before, now()) };
}

/** The object was made somewhere within the second that it bears, between two moments of ours. */
export function offsetOf(created: string | undefined, before: number, after: number) {
  const start = Date.parse(created ?? "");
  if (Number.isNaN(start)) return undefined;
  if (start > after) return start - after;
  return start + 1000 < before ? start + 1000 - before : 0;
}
