import { hasCode, MigrationError } from "../core/errors.ts";
import type { Cluster } from "../kube/cluster.ts";
import { namespaces, persistentVolumeClaims } from "../kube/resources.ts";
import type { ClusterDestination } from "../plan/endpoint.ts";

/**
 * Throws E_REFUSED where the API that was reached is not that of the planned destination: days may
 * lie between plan and run, a name may lead elsewhere by then, and what bears a name may be new.
 * What must not be read is not compared.
 */
export async function refuseOtherPlace(
  { cluster: planned }: Pick<ClusterDestination, "cluster">,
  cluster: Pick<Cluster, "server" | "uid" | "get">,
): Promise<void> {
  const { namespace, claim } = planned;
  compare(cluster, `The cluster at ${cluster.server}`, planned.uid, await cluster.uid());
  const found = await ifAllowed(cluster.get(namespaces, namespace));
  compare(cluster, `Namespace "${namespace}"`, planned.namespaceUid, found);
  const volume = await ifAllowed(cluster.get(persistentVolumeClaims, claim.name, namespace));
  compare(cluster, `PersistentVolumeClaim "${claim.name}"`, claim.uid, volume);
}

/** The uid; "none" where there is no such object, and undefined where that must not be known. */
async function ifAllowed(
  asked: Promise<{ metadata: { uid?: string | undefined } } | undefined>,
): Promise<string | undefined> {
  try {
    const object = await asked;
    return object === undefined ? "none" : object.metadata.uid;
  } catch (error) {
    if (hasCode(error, "E_PERMISSION")) return undefined;
    throw error;
  }
}

function compare(
  { server }: Pick<Cluster, "server">,
  what: string,
  planned: string | undefined,
  found: string | undefined,
) {
  if (planned === undefined || found === undefined || planned === found) return;
  throw new MigrationError(
    "E_REFUSED",
    `${what} is not the destination that was planned: its uid is ${found}, the plan has ${planned}`,
    {
      hint: "Name the right cluster and namespace, or plan again to move to this one; nothing was written",
      fields: { server, planned, found },
    },
  );
}
