import { randomBytes } from "node:crypto";
import { type ClockOffset, clockOffset } from "../../core/clock.ts";
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
  /** Of the API's clock, which tells no more than seconds; undefined where it tells nothing. */
  clock: ClockOffset | undefined;
}

/** Has the API look at an object with all of its admission; nothing is kept. */
export async function dryRun(
  cluster: Pick<Cluster, "create">,
  object: KubeObject,
  now: () => number,
): Promise<DryRun> {
  const before = now();
  const { metadata } = await cluster.create(object, { dryRun: true });
  const created = Date.parse(metadata.creationTimestamp ?? "");
  if (Number.isNaN(created)) return { clock: undefined };
  return { clock: clockOffset(created, { before, after: now() }, 1000) };
}
