import { nodes } from "../../kube/resources.ts";
import { ifPermitted } from "./permitted.ts";
import type { Search } from "./search.ts";

/** Of the nodes that the claim's pods run on; undefined where it cannot be told. */
export async function findArchitectures(
  { cluster, objects }: Search,
  claim: string,
): Promise<string[] | undefined> {
  const names = new Set<string>();
  for (const { spec } of objects.pods) {
    const isOwn = spec.volumes?.some((one) => one.persistentVolumeClaim?.claimName === claim);
    if (isOwn && spec.nodeName !== undefined) names.add(spec.nodeName);
  }
  const found = new Set<string>();
  for (const name of names) {
    const node = await ifPermitted(cluster.get(nodes, name));
    const architecture = node?.status?.nodeInfo?.architecture;
    if (architecture === undefined) return undefined;
    found.add(architecture);
  }
  return found.size === 0 ? undefined : [...found].sort();
}
