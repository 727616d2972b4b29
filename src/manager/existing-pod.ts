import { hasCode, MigrationError } from "../core/errors.ts";
import type { Cluster, ContainerRef } from "../kube/cluster.ts";
import { pods } from "../kube/resources.ts";
import type { ClusterDestination } from "../plan/endpoint.ts";
import type { Receiver } from "../receiver/connect-receiver.ts";
import type { Exec } from "../receiver/shell/exec.ts";
import { readFacts } from "../receiver/shell/facts.ts";
import { makeShellDestination } from "../receiver/shell/shell-destination.ts";
import { type ReachPorts, whileLoggedOut } from "./reach-ports.ts";

type Existing = Extract<ClusterDestination["receiver"], { kind: "existing" }>;

/** Receives in a pod that is there already, by commands alone; closing leaves it as it was. */
export async function openExistingPod(
  { cluster: { namespace }, dir }: ClusterDestination,
  { pod, container }: Existing,
  cluster: Cluster,
  ports: ReachPorts,
): Promise<Receiver> {
  const target = { namespace, pod, container };
  const exec: Exec = (command, options) =>
    whileLoggedOut(ports, () => execute(cluster, target, { command, options }));
  const label = `${namespace}/${pod}:${dir}`;
  const destination = makeShellDestination({ exec, root: dir, label });
  // A pod without a shell, or without its tools, is refused before anything is begun with it.
  await readFacts(exec, ports.signal);
  const reason = "The pod is not ours";
  ports.log.info({ pod, container, reason }, "The receiver is reached through the API");
  return {
    destination,
    route: () => ({ name: "exec", reason }),
    info: () => readFacts(exec),
    close: async () => destination.close(),
  };
}

interface Execution {
  command: readonly string[];
  options: Parameters<Exec>[1];
}

/** A container that is just being restarted may run again: that is told as what may pass. */
async function execute(cluster: Cluster, target: ContainerRef, { command, options }: Execution) {
  try {
    return await cluster.exec(target, command, options);
  } catch (error) {
    if (!hasCode(error, "E_CLUSTER")) throw error;
    if (await isRunning(cluster, target)) throw error;
    throw new MigrationError(
      "E_UNAVAILABLE",
      `The destination's pod "${target.pod}" does not run: ${error.message}`,
      { cause: error, hint: "Start it again, or name another one in the network config" },
    );
  }
}

async function isRunning(cluster: Cluster, { namespace, pod, container }: ContainerRef) {
  const found = await cluster.get(pods, pod, namespace);
  const status = found?.status?.containerStatuses?.find(({ name }) => name === container);
  return status?.state?.running !== undefined;
}
