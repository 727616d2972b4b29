import type { ClusterSideConfig } from "../../config/network.ts";
import { MigrationError } from "../../core/errors.ts";
import type { Cluster } from "../../kube/cluster.ts";
import { namespaces } from "../../kube/resources.ts";
import { byConfig, flagOf } from "./choose.ts";
import type { Found, SideName } from "./discovered.ts";
import { ifPermitted } from "./permitted.ts";

export interface FoundNamespace {
  name: Found<string>;
  uid: string | undefined;
}

/** The config's, else the context's; that it is there is checked where that may be asked. */
export async function findNamespace(
  side: SideName,
  config: ClusterSideConfig,
  cluster: Cluster,
): Promise<FoundNamespace> {
  const name = toldName(side, config, cluster);
  const answer = await ifPermitted(
    cluster.get(namespaces, name.value).then((namespace) => ({ namespace })),
  );
  if (answer === undefined) return { name, uid: undefined };
  const { namespace } = answer;
  const state = namespace === undefined ? "is not there" : undefined;
  const isGoing = namespace?.status?.phase === "Terminating";
  if (state !== undefined || isGoing) {
    throw new MigrationError(
      "E_DISCOVERY",
      `The ${side}'s namespace "${name.value}" ${state ?? "is Terminating"} at ${cluster.server}`,
      { hint: `${name.from} names it; give ${chooser(side)}` },
    );
  }
  return { name, uid: namespace?.metadata.uid };
}

function toldName(side: SideName, config: ClusterSideConfig, cluster: Cluster): Found<string> {
  if (config.namespace !== undefined) return { value: config.namespace, from: byConfig };
  if (cluster.namespace !== undefined) {
    return { value: cluster.namespace, from: "the cluster's access" };
  }
  throw new MigrationError("E_DISCOVERY", `It is not said which namespace the ${side} is in`, {
    hint: `Give ${chooser(side)}`,
  });
}

function chooser(side: SideName): string {
  const flag = flagOf({ side, field: "namespace" });
  return side === "source" ? `--namespace NAME or ${flag}` : flag;
}
