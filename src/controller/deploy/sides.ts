import type { Application } from "../../config/application.ts";
import {
  type ClusterDestinationConfig,
  type ClusterSourceConfig,
  isClusterSide,
  type NetworkConfig,
} from "../../config/network.ts";
import { MigrationError } from "../../core/errors.ts";
import type { ClusterAccess } from "../../kube/access.ts";
import type { Cluster } from "../../kube/cluster.ts";
import { openCluster } from "../../kube/connect.ts";
import { clusterAccessOf } from "../discover/cluster-access.ts";
import { discover } from "../discover/discover.ts";
import type { Discovered } from "../discover/discovered.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface SideTools {
  env: Environment;
  /** Only we can read it, and it is removed at the end. */
  folder: string;
  /** Opened clusters are closed by it. */
  release(close: () => unknown): void;
}

export interface Side<C> {
  config: C;
  cluster: Cluster;
  access: ClusterAccess;
}

/** Both sides' APIs, before anything is known of what is there. */
export interface Sides {
  source: Side<ClusterSourceConfig>;
  destination: Side<ClusterDestinationConfig>;
}

/** Opens the source's API. */
export async function openSource(
  network: NetworkConfig,
  tools: SideTools,
): Promise<Side<ClusterSourceConfig>> {
  const config = network.source;
  if (!isClusterSide(config)) throw notACluster("source");
  const access = await clusterAccessOf("source", config.cluster, tools);
  const cluster = await openCluster(access, { environment: tools.env });
  tools.release(() => cluster.close());
  return { config, cluster, access };
}

/** Opens both; a Secret that holds the destination's token is one of the source's namespace. */
export async function openSides(network: NetworkConfig, tools: SideTools): Promise<Sides> {
  const source = await openSource(network, tools);
  const namespace = source.config.namespace ?? source.cluster.namespace;
  const secrets =
    namespace === undefined ? {} : { secrets: { cluster: source.cluster, namespace } };
  return { source, destination: await openDestination(network, { ...tools, ...secrets }) };
}

/** Opens the destination's API alone, where the source is a folder. */
export async function openDestination(
  network: NetworkConfig,
  tools: SideTools & { secrets?: { cluster: Cluster; namespace: string } },
): Promise<Side<ClusterDestinationConfig>> {
  const config = network.destination;
  if (!isClusterSide(config)) throw notACluster("destination");
  const access = await clusterAccessOf("destination", config.cluster, tools);
  const cluster = await openCluster(access, { environment: tools.env });
  tools.release(() => cluster.close());
  return { config, cluster, access };
}

function notACluster(side: keyof typeof hints): MigrationError {
  return new MigrationError("E_USAGE", `The ${side} of the network config is no cluster`, {
    hint: hints[side],
  });
}

const hints = {
  source:
    "From a folder the manager runs on this machine, by migctl start: Ctrl-C stops it, its log is manager.log beside its status, and start, plan, status, report and verify know of it",
  destination:
    "The manager runs beside the source's volume and cannot write to a folder of this machine: mount the destination where the source's folder is, and give --source-dir and --dest-dir there",
} as const;

export interface DiscoveredSides {
  source: Discovered;
  destination: Discovered;
}

export async function discoverSides(
  { source, destination }: Sides,
  application: Application,
  { needsDatabase, signal }: { needsDatabase: boolean; signal: AbortSignal },
): Promise<DiscoveredSides> {
  const common = { application, needsDatabase, signal };
  const [from, to] = await Promise.all([
    discover({ side: "source", config: source.config, cluster: source.cluster, ...common }),
    discover({
      side: "destination",
      config: destination.config,
      cluster: destination.cluster,
      ...common,
    }),
  ]);
  return { source: from, destination: to };
}
