import type { Clock } from "../../core/clock.ts";
import type { Cluster } from "../../kube/cluster.ts";
import { waitForPod } from "../../kube/wait-for-pod.ts";
import { beforeText } from "../before-text.ts";
import { isOfAttempt, managerSelector } from "../labels.ts";
import type { RenderInput } from "../render/input.ts";
import { renderMigration } from "../render/migration.ts";
import { renderReceiver } from "../render/receiver.ts";
import { applyObjects, checkNew, checkObjects } from "./apply.ts";
import { type LiveMigration, listLive } from "./live.ts";
import { refuseLiving } from "./refuse-living.ts";
import { stopManager } from "./remove.ts";
import { removeResult, resultOf } from "./result.ts";

export interface Deployment {
  render: RenderInput;
  cluster: Cluster;
  /** Where the manager makes its receiver. */
  destination: Cluster;
  clock: Clock;
  signal: AbortSignal;
  dryRun: "none" | "client" | "server";
  startTimeoutSeconds: number;
  /** Told what is done, in a line for people. */
  note(text: string): void;
}

/**
 * Has the API check all objects, then makes them, and returns once the pod runs. False where
 * nothing was made, as it was asked for.
 */
export async function deployMigration(deployment: Deployment): Promise<boolean> {
  const { render, cluster, dryRun, note } = deployment;
  const { namespace, plan, workload } = render;
  const objects = renderMigration(render);
  const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(", ");
  if (dryRun === "client") {
    note(`Would make in namespace "${namespace}": ${names}`);
    return false;
  }
  const before = await refuseLiving(cluster, namespace, plan.name);
  const former = await formerWorkload(cluster, render);
  await checkObjects(cluster, objects, { isReplaced: former !== undefined });
  const { receiver } = render;
  if (receiver) await checkNew(deployment.destination, renderReceiver(render, receiver));
  if (dryRun === "server") {
    note(`The API would take in namespace "${namespace}": ${names}`);
    return false;
  }
  const text = beforeText(before ?? (await resultOf(cluster, namespace, plan.name)), render.rerun);
  if (text !== undefined) note(text);
  await removeResult(cluster, namespace, plan.name);
  await applyObjects(cluster, objects, former && (() => removeFormer(former, deployment)));
  note(`Made in namespace "${namespace}": ${names}`);
  await waitForPod({
    ...{ cluster, namespace, clock: deployment.clock, signal: deployment.signal },
    workload: { kind: workload === "job" ? "Job" : "Deployment", name: plan.name },
    labels: managerSelector(plan.name),
    isMeant: isOfAttempt(render.attempt),
    timeoutSeconds: deployment.startTimeoutSeconds,
    onProblem: ({ message }) => note(message),
  });
  return true;
}

/** One of an earlier start that the new one cannot be applied over: the pod of a Job never changes. */
async function formerWorkload(
  cluster: Cluster,
  { namespace, plan, workload }: RenderInput,
): Promise<LiveMigration | undefined> {
  const earlier = await listLive(cluster, namespace, plan.name);
  return earlier.find(({ kind }) => kind === "Job" || workload === "job");
}

/** Its run is over, and what it has done is on the volume. */
async function removeFormer({ kind, name }: LiveMigration, deployment: Deployment) {
  const { render, cluster, clock, signal, note } = deployment;
  note(`Removing the ${kind} "${name}" of the earlier start`);
  await stopManager({ cluster, namespace: render.namespace, name, clock, signal });
}
