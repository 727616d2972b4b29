import { inject } from "vitest";
import { openCluster, type TestCluster } from "./cluster-client.ts";

export { type TestCluster, uniqueName } from "./cluster-client.ts";

/** Why there is no cluster; undefined where there is one: for `describe.skipIf(noCluster)`. */
export const noCluster: string | undefined = inject("cluster").missing;

/** The cluster of this run; throws where there is none. */
export function testCluster(): TestCluster {
  return openCluster(inject("cluster"));
}
