import type { Application } from "../../config/application.ts";
import type { ClusterSideConfig } from "../../config/network.ts";
import { MigrationError } from "../../core/errors.ts";
import type { Cluster } from "../../kube/cluster.ts";
import { findArchitectures } from "./architectures.ts";
import { findClaim } from "./claim.ts";
import { findMountPath, findSubPath } from "./data-mount.ts";
import { findDatabase } from "./database.ts";
import type { Discovered, SideName } from "./discovered.ts";
import { findNamespace } from "./namespace.ts";
import { refuseObjectStorage } from "./object-storage.ts";
import { readObjects } from "./objects.ts";
import { findRelease } from "./release.ts";
import { findRestarts, findWriters } from "./scaled-deployments.ts";
import type { Search } from "./search.ts";
import { findTargetPods } from "./target-pods.ts";
import { findVersion } from "./version.ts";

export interface DiscoverRequest {
  side: SideName;
  config: ClusterSideConfig;
  cluster: Cluster;
  application: Application;
  /** Without it a database that nothing tells is no error. */
  needsDatabase: boolean;
  /** Programs of this host that list releases, in place of the description's. */
  helm?: readonly string[];
  signal?: AbortSignal;
}

/**
 * Finds what one side consists of, in the order: network config and flags, the application's
 * ConfigMap, what its deployments mount, Helm's records, labels, the host's Helm. Throws
 * E_DISCOVERY where nothing tells it, or where there is more than one and nobody chose.
 */
export async function discover(request: DiscoverRequest): Promise<Discovered> {
  const { side, config, cluster } = request;
  const namespace = await findNamespace(side, config, cluster);
  const warnings: string[] = [];
  const search = await searchOf(request, namespace.name.value, warnings);
  const release = await findRelease(search);
  await refuseObjectStorage(search, release);
  const mount = findMountPath(search, release);
  const claim = await findClaim(search, release, mount.value);
  const { database, secret } = await findDatabase(search, release, request.needsDatabase);
  const [version, architectures, clusterUid] = await Promise.all([
    findVersion(search, release),
    findArchitectures(search, claim.value.name),
    cluster.uid(),
  ]);
  return {
    side,
    server: cluster.server,
    clusterUid,
    namespace: namespace.name,
    namespaceUid: namespace.uid,
    release: release.name,
    chart: release.chart,
    version,
    claim,
    subPath: findSubPath(search, release, mount.value),
    mount,
    database,
    secret,
    pods: findTargetPods(search, release, mount.value),
    writers: findWriters(search, release),
    restarts: findRestarts(search, release),
    architectures,
    warnings,
  };
}

async function searchOf(
  { side, config, cluster, application, helm, signal }: DiscoverRequest,
  namespace: string,
  warnings: string[],
): Promise<Search> {
  const { cluster: known } = application;
  if (known === undefined) {
    throw new MigrationError(
      "E_APPLICATION",
      `The description of "${application.application}" does not say how it is found in a cluster`,
      { hint: "Describe it under the key cluster, as applications/mvi.yaml does" },
    );
  }
  return {
    ...{ side, config, cluster, namespace, application, known },
    objects: await readObjects(cluster, namespace, signal),
    // Only the source's host is the one that migctl runs on.
    helm: helm ?? (side === "source" ? known.helm : []),
    options: signal === undefined ? {} : { signal },
    warn: (text) => void warnings.push(text),
  };
}
