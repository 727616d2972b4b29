import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../core/clock.ts";
import { MigrationError } from "../../core/errors.ts";
import type { Pod } from "../../kube/pod.ts";
import { deployments, pods } from "../../kube/resources.ts";
import { ownerOf } from "../discover/workloads.ts";
import type { Place } from "./remembered.ts";

/** Undefined where there is no such Deployment. */
export async function replicasOf({ cluster, namespace }: Place, writer: string) {
  const found = await cluster.get(deployments, writer, namespace);
  return found === undefined ? undefined : (found.spec.replicas ?? 1);
}

/** By the subresource, which is all that the Role allows to be changed. */
export async function scale({ cluster, namespace }: Place, writer: string, replicas: number) {
  const target = { namespace, name: writer, subresource: "scale" };
  await cluster.patch(deployments, target, { spec: { replicas } });
}

/** Throws E_REFUSED where somebody scaled a Deployment up that we had scaled down. */
export async function requireDown(place: Place, writers: readonly string[]) {
  for (const writer of writers) {
    const replicas = (await replicasOf(place, writer)) ?? 0;
    if (replicas === 0) continue;
    throw new MigrationError(
      "E_REFUSED",
      `Deployment "${writer}" was scaled down, and somebody has scaled it to ${replicas} again`,
      {
        hint: "Stop what manages it, such as an operator or an autoscaler, and start again",
        fields: { deployment: writer, replicas },
      },
    );
  }
}

export interface Waiting {
  clock: Clock;
  signal: AbortSignal;
  timeoutSeconds: number;
}

const pollMilliseconds = 500;

/** Waits until the last pod of each Deployment is gone: one that is being ended may still write. */
export async function untilGone(place: Place, writers: readonly string[], waiting: Waiting) {
  const { clock, signal, timeoutSeconds } = waiting;
  const start = clock.elapsed();
  for (;;) {
    const left = await podsOf(place, writers, signal);
    if (left.length === 0) return;
    await requireDown(place, writers);
    if (clock.elapsed() - start >= timeoutSeconds * 1000) throw stillThere(left, timeoutSeconds);
    await sleep(pollMilliseconds, undefined, { signal });
  }
}

async function podsOf(
  { cluster, namespace }: Place,
  writers: readonly string[],
  signal: AbortSignal,
) {
  const all = await cluster.list(pods, namespace, { signal });
  return all.filter((pod) => {
    const owner = ownerOf(pod);
    return owner?.kind === "Deployment" && writers.includes(owner.name) && !hasEnded(pod);
  });
}

/** What was evicted stays listed, without a process. */
function hasEnded({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

function stillThere(left: readonly Pod[], seconds: number): MigrationError {
  const [first] = left;
  const name = first?.metadata.name ?? "";
  const names = left.map(({ metadata }) => metadata.name);
  return new MigrationError(
    "E_TIMEOUT",
    `${left.map(describe).join("; ")}: not gone after ${seconds} s`,
    {
      hint: `See kubectl describe pod ${name}; on a node that is gone, kubectl delete pod --force ends it`,
      fields: { pods: names },
    },
  );
}

function describe(pod: Pod): string {
  const { metadata, spec, status } = pod;
  const since = metadata.deletionTimestamp;
  const state = since === undefined ? (status?.phase ?? "Unknown") : `being ended since ${since}`;
  const node = spec.nodeName === undefined ? "" : ` on node "${spec.nodeName}"`;
  return `Pod "${metadata.name}" of Deployment "${ownerOf(pod)?.name}" is ${state}${node}`;
}
