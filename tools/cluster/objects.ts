import { restrictedPolicies } from "./policies.ts";

/** Volumes with a directory that is made for them; fsGroup has no effect there. */
const hostPath = storageClass("hostpath", "kubernetes.io/host-path", "Delete", {
  "storageclass.kubernetes.io/is-default-class": "true",
});

/** Volumes that are made by hand, where owners and groups are as on a real disk. */
const local = storageClass("local", "kubernetes.io/no-provisioner", "Retain", {});

/** What the API holds from the start. */
export function clusterObjects() {
  return [hostPath, local, ...restrictedPolicies()];
}

function storageClass(
  name: string,
  provisioner: string,
  reclaimPolicy: "Delete" | "Retain",
  annotations: Record<string, string>,
) {
  return {
    ...{ apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: { name, annotations } },
    ...{ provisioner, reclaimPolicy, volumeBindingMode: "Immediate" },
  };
}
