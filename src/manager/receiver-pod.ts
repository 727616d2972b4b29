import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../core/clock.ts";
import { MigrationError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import type { Cluster } from "../kube/cluster.ts";
import type { Pod } from "../kube/pod.ts";
import { KubeObject } from "../kube/resource.ts";
import { pods } from "../kube/resources.ts";
import { waitForPod } from "../kube/wait-for-pod.ts";

export interface ReceiverPorts {
  cluster: Cluster;
  namespace: string;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
  startTimeoutSeconds?: number | undefined;
}

/** The file that migctl rendered: the Pod as JSON. */
export async function readManifest(path: string): Promise<KubeObject> {
  try {
    return KubeObject.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    throw new MigrationError("E_CONFIG", `Cannot read the receiver's pod from "${path}"`, {
      cause,
      hint: "Start the migration again with this version of migctl: it renders the pod anew",
    });
  }
}

const usualStartSeconds = 300;
const endMilliseconds = 120_000;
const pollMilliseconds = 500;

/**
 * Makes the pod that receives the files. One that an earlier attempt left goes first, so that
 * nothing of it still writes.
 */
export async function startReceiverPod(manifest: KubeObject, ports: ReceiverPorts): Promise<Pod> {
  const { cluster, namespace, log, startTimeoutSeconds = usualStartSeconds } = ports;
  const { name } = manifest.metadata;
  await removeReceiverPod(name, ports);
  await cluster.create({ ...manifest, metadata: { ...manifest.metadata, namespace } });
  log.info({ pod: name, namespace }, "Receiver made");
  return await waitForPod({
    ...ports,
    labels: labelsOf(manifest),
    timeoutSeconds: startTimeoutSeconds,
    onProblem: ({ message }) => log.warn({ problem: message }, "The receiver waits"),
  });
}

function labelsOf({ metadata }: KubeObject): string {
  const labels = Object.entries(metadata.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  if (labels.length > 0) return labels.join(",");
  throw new MigrationError("E_CONFIG", `The receiver's pod "${metadata.name}" has no labels`);
}

/** Ends the pod and waits until it is gone. */
export async function removeReceiverPod(
  name: string,
  { cluster, namespace, clock, signal }: ReceiverPorts,
) {
  const start = clock.elapsed();
  for (;;) {
    const pod = await cluster.get(pods, name, namespace);
    if (pod === undefined) return;
    if (pod.metadata.deletionTimestamp === undefined) {
      const only = pod.metadata.uid === undefined ? {} : { uid: pod.metadata.uid };
      await cluster.delete(pods, name, namespace, only);
    }
    if (clock.elapsed() - start > endMilliseconds) throw stays(name, namespace);
    await sleep(pollMilliseconds, undefined, { signal });
  }
}

function stays(name: string, namespace: string): MigrationError {
  return new MigrationError(
    "E_UNAVAILABLE",
    `The receiver "${name}" of an earlier attempt does not end in namespace "${namespace}"`,
    { hint: `See kubectl describe pod ${name} -n ${namespace}; is its node there?` },
  );
}
