import type { Cluster } from "../../kube/cluster.ts";
import type { ClusterDestination } from "../../plan/endpoint.ts";
import type { DatabaseRef } from "../../plan/steps.ts";
import type { Receiver } from "../../receiver/connect-receiver.ts";
import type { ReachPorts } from "../reach-ports.ts";
import { chooseLink } from "./choose-link.ts";
import { forwardDial, resolveByServices } from "./service-target.ts";
import { openLink } from "./with-link.ts";

/** The destination's database as it is reached from here; undefined where there is none. */
export interface DatabaseLink {
  ref: DatabaseRef | undefined;
  explain(error: unknown): unknown;
  close(): unknown;
}

type LinkPorts = ReachPorts & { cluster: Cluster; receiver: Pick<Receiver, "dial"> };

/** Chooses how the database is reached, and makes that way. */
export async function linkDatabase(
  { database, link, cluster: place }: ClusterDestination,
  { cluster, receiver, log, signal }: LinkPorts,
): Promise<DatabaseLink> {
  const direct = { ref: database, explain: (error: unknown) => error, close: () => undefined };
  if (database === undefined) return direct;
  const resolve = resolveByServices(cluster, { namespace: place.namespace });
  const ways = { relay: receiver.dial, "port-forward": forwardDial(cluster, resolve) };
  const { dial } = await chooseLink(link, database, { ways, signal, log });
  if (dial === undefined) return direct;
  return await openLink(database, dial, { log });
}
