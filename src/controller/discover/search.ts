import type { Application } from "../../config/application.ts";
import type { ApplicationCluster } from "../../config/application-cluster.ts";
import type { ClusterSideConfig } from "../../config/network.ts";
import type { Cluster } from "../../kube/cluster.ts";
import type { SideName } from "./discovered.ts";
import type { NamespaceObjects } from "./objects.ts";

/** One side of a discovery: what is asked, of whom, and what was seen in its namespace. */
export interface Search {
  side: SideName;
  config: ClusterSideConfig;
  cluster: Cluster;
  namespace: string;
  application: Application;
  known: ApplicationCluster;
  objects: NamespaceObjects;
  /** Programs of the source's host that list releases. */
  helm: readonly string[];
  options: { signal?: AbortSignal };
  warn(text: string): void;
}
