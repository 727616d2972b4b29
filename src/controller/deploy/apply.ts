import { hasCode, MigrationError } from "../../core/errors.ts";
import type { Cluster } from "../../kube/cluster.ts";
import type { KubeObject } from "../../kube/resource.ts";
import { resourceOf } from "../../kube/resources.ts";
import { withOwner } from "../render/owner.ts";

/**
 * Has the API check every object, as it would be kept; keeps none. A workload that stands in place
 * of another one is checked as what it then is: a new one.
 */
export async function checkObjects(
  cluster: Cluster,
  objects: readonly KubeObject[],
  { isReplaced }: { isReplaced: boolean },
) {
  for (const object of objects) {
    if (isReplaced && object === objects.at(-1)) await checkNew(cluster, object);
    else await cluster.apply(object, { dryRun: true });
  }
}

/**
 * Has the API check an object that is made later, or by somebody else. Whether one of that name is
 * there is what it looks at last: all the rest was taken by then.
 */
export async function checkNew(cluster: Cluster, object: KubeObject) {
  try {
    await cluster.create(object, { dryRun: true });
  } catch (error) {
    if (!hasCode(error, "E_EXISTS")) throw error;
  }
}

/**
 * Makes the objects, the workload last, and has it own the rest, so that nothing is left when it
 * goes. `removeFormer` takes a workload out of the way that cannot become this one; what it owned
 * has no owner by then, and so does not go with it. What a failure leaves half made is removed
 * again, unless it was there before and still is somebody's.
 */
export async function applyObjects(
  cluster: Cluster,
  objects: readonly KubeObject[],
  removeFormer?: () => Promise<void>,
) {
  const applied: { kept: KubeObject; isNew: boolean }[] = [];
  let isFormerGone = false;
  try {
    for (const object of objects) {
      const isWorkload = object === objects.at(-1);
      if (isWorkload && removeFormer !== undefined) {
        isFormerGone = true;
        await removeFormer();
      }
      const isNew = !(await isThere(cluster, object));
      const kept = await cluster.apply(object);
      applied.push({ kept, isNew });
      if (isWorkload) await own(cluster, objects, kept);
    }
  } catch (error) {
    const half = applied.filter(({ isNew }) => isNew || isFormerGone);
    for (const { kept } of half.reverse()) await remove(cluster, kept).catch(() => undefined);
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
