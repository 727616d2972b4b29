import { MigrationError } from "../../core/errors.ts";
import type { Cluster } from "../../kube/cluster.ts";
import type { KubeObject } from "../../kube/resource.ts";
import { resourceOf } from "../../kube/resources.ts";
import { withOwner } from "../render/owner.ts";

/** Has the API check every object, as it would be kept; keeps none. */
export async function checkObjects(cluster: Cluster, objects: readonly KubeObject[]) {
  for (const object of objects) await cluster.apply(object, { dryRun: true });
}

/** Has the API check a pod that somebody else is to make. One that is there was taken before. */
export async function checkPod(cluster: Cluster, pod: KubeObject) {
  try {
    await cluster.create(pod, { dryRun: true });
  } catch (error) {
    if (!(error instanceof MigrationError) || error.code !== "E_EXISTS") throw error;
  }
}

/**
 * Makes the objects, the workload last, and has it own the rest, so that nothing is left when it
 * goes. What a failure leaves half made is removed again, unless it was there before.
 */
export async function applyObjects(cluster: Cluster, objects: readonly KubeObject[]) {
  const made: KubeObject[] = [];
  try {
    for (const object of objects) {
      const isNew = !(await isThere(cluster, object));
      const kept = await cluster.apply(object);
      if (isNew) made.push(kept);
      if (object === objects.at(-1)) await own(cluster, objects, kept);
    }
  } catch (error) {
    for (const object of made.reverse()) await remove(cluster, object).catch(() => undefined);
    throw error;
  }
}

async function own(cluster: Cluster, objects: readonly KubeObject[], workload: KubeObject) {
  for (const object of withOwner(objects, workload).slice(0, -1)) await cluster.apply(object);
}

async function isThere(cluster: Cluster, object: KubeObject): Promise<boolean> {
  const { name, namespace } = object.metadata;
  return (await cluster.get(descriptorOf(object), name, namespace)) !== undefined;
}

async function remove(cluster: Cluster, object: KubeObject) {
  const { name, namespace, uid } = object.metadata;
  await cluster.delete(descriptorOf(object), name, namespace, uid === undefined ? {} : { uid });
}

function descriptorOf(object: KubeObject) {
  const resource = resourceOf(object);
  if (resource !== undefined) return resource;
  throw new MigrationError("E_UNEXPECTED", `There is no descriptor of a ${object.kind}`);
}
