import { join } from "node:path";
import { cacheFolder } from "../../test/support/cache.ts";

/** To be raised with whatever changes what runs: a cluster of another version is made anew. */
export const clusterVersion = 1;

export const kubernetesVersion = "v1.34.4";

/** Everything of the cluster but `runFolder`; gone after `down`. */
export const stateFolder = join(cacheFolder(), "cluster");

/**
 * One place for all users of the machine, as its ports and its bridge are: what runs, sockets,
 * and what containerd mounts.
 */
export const runFolder = "/run/migctl-cluster";

export const containerdSocket = join(runFolder, "containerd.sock");

export const paths = {
  kubeconfig: join(stateFolder, "admin.kubeconfig"),
  pki: join(stateFolder, "pki"),
  logs: join(stateFolder, "logs"),
  pids: join(runFolder, "pids"),
  /** The processes that use it. */
  users: join(runFolder, "users"),
  /** Which state folder the cluster that runs has: another user's cache is elsewhere. */
  owner: join(runFolder, "state-folder"),
  /** Present once all of it is up. */
  ready: join(stateFolder, "ready.json"),
  /** Where the directories of volumes are, dynamic and local ones. */
  volumes: join(stateFolder, "volumes"),
  kubelet: join(stateFolder, "kubelet"),
  sysctls: join(runFolder, "sysctls.json"),
} as const;

export const nodeName = "node1";
export const pauseImage = "localhost/migctl-pause:1";

export const network = {
  bridge: "mig0",
  /** The node's address, and the gateway and name server of its pods. */
  address: "10.244.0.1",
  pods: "10.244.0.0/24",
  services: "10.96.0.0/16",
  /** Of the API among the services. */
  apiService: "10.96.0.1",
  /** Tells our rules and files from others'. */
  name: "migctl-cluster",
} as const;

export const ports = {
  api: 16443,
  etcd: 12379,
  etcdPeer: 12380,
  kubelet: 20250,
  dns: 18181,
} as const;

export const apiServer = `https://127.0.0.1:${ports.api}`;

/** A file below the state folder. */
export function inState(...names: string[]): string {
  return join(stateFolder, ...names);
}
