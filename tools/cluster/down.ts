import { cachedGoProgram } from "./build.ts";
import { daemonNames, stopDaemon } from "./daemon.ts";
import { killContainers, removeFolders, unmountAll } from "./leftovers.ts";
import { removeNetwork } from "./network.ts";

/** Those that would start anew what is being ended come first. */
const order = ["kubelet", "kube-proxy", "kube-controller-manager", "kube-scheduler", "coredns"];

/** Ends the cluster and removes all of it, whatever of it there is. */
export async function down(): Promise<void> {
  const names = daemonNames();
  await Promise.all(order.map((name) => stopDaemon(name)));
  killContainers();
  const others = names.filter((name) => !order.includes(name));
  await Promise.all(others.map((name) => stopDaemon(name)));
  killContainers();
  await unmountAll();
  await removeNetwork(cachedGoProgram("kubernetes"));
  await removeFolders();
}
