import type { Clock } from "../../core/clock.ts";
import type { Cluster } from "../../kube/cluster.ts";
import { waitForPod } from "../../kube/wait-for-pod.ts";
import { beforeText } from "../before-text.ts";
import { isOfAttempt, managerSelector } from "../labels.ts";
import type { RenderInput } from "../render/input.ts";
import { renderMigration } from "../render/migration.ts";
import { renderReceiver } from "../render/receiver.ts";
import { applyObjects, checkObjects, checkPod } from "./apply.ts";
import { refuseLiving } from "./refuse-living.ts";
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
  await checkObjects(cluster, objects);
  const { receiver } = render;
  if (receiver) await checkPod(deployment.destination, renderReceiver(render, receiver));
  if (dryRun === "server") {
    note(`The API would take in namespace "${namespace}": ${names}`);
    return false;
  }
  const text = beforeText(before ?? (await resultOf(cluster, namespace, plan.name)), render.rerun);
  if (text !== undefined) note(text);
  await removeResult(cluster, namespace, plan.name);
  await applyObjects(cluster, objects);
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
