import { KubeObject } from "../../kube/resource.ts";

/** The objects as belonging to the workload, with which the cluster then removes them. */
export function withOwner(objects: readonly KubeObject[], workload: KubeObject): KubeObject[] {
  const { apiVersion, kind, metadata } = workload;
  const owner = { apiVersion, kind, name: metadata.name, uid: metadata.uid };
  return objects.map((object) =>
    isSame(object, workload)
      ? object
      : KubeObject.parse({
          ...object,
          metadata: { ...object.metadata, ownerReferences: [owner] },
        }),
  );
}

function isSame(one: KubeObject, other: KubeObject): boolean {
  return one.kind === other.kind && one.metadata.name === other.metadata.name;
}
