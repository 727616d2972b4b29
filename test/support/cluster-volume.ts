import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { KubeObject } from "../../src/kube/resource.ts";
import { nodeName, paths } from "../../tools/cluster/settings.ts";
import type { TestCluster } from "./cluster-client.ts";

export interface LocalVolume {
  namespace: string;
  /** The claim that it is for; no other gets it. */
  claim: string;
  accessMode?: string;
  size?: string;
  /** The node that has it; another one than ours for a pod that cannot be placed. */
  node?: string;
}

/** Where a volume's directory is on this machine. */
function volumeFolder({ namespace, claim }: LocalVolume): string {
  return join(paths.volumes, `${namespace}-${claim}`);
}

/** A volume of the class "local": a directory of this machine, where owners are as on a disk. */
function persistentVolume(volume: LocalVolume): KubeObject {
  const { namespace, claim, accessMode = "ReadWriteMany", size = "1Gi", node = nodeName } = volume;
  const here = { key: "kubernetes.io/hostname", operator: "In", values: [node] };
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: {
      name: `${namespace}-${claim}`,
      labels: { "testbed.migctl.dev/namespace": namespace },
    },
    spec: {
      capacity: { storage: size },
      accessModes: [accessMode],
      storageClassName: "local",
      persistentVolumeReclaimPolicy: "Retain",
      claimRef: { namespace, name: claim },
      local: { path: volumeFolder(volume) },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [here] }] } },
    },
  };
}

/** Makes the directory and the volume; returns the directory. */
export async function makeVolume(cluster: TestCluster, volume: LocalVolume): Promise<string> {
  const folder = volumeFolder(volume);
  await mkdir(folder, { recursive: true });
  await cluster.apply(persistentVolume(volume));
  return folder;
}
