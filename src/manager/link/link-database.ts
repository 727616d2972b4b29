import type { Dial } from "../../core/dial.ts";
import type { Cluster } from "../../kube/cluster.ts";
import type { ClusterDestination } from "../../plan/endpoint.ts";
import type { DatabaseRef } from "../../plan/steps.ts";
import type { Receiver } from "../../receiver/connect-receiver.ts";
import type { ReachPorts } from "../reach-ports.ts";
import { type ChosenLink, chooseLink, type LinkWays } from "./choose-link.ts";
import { forwardDial, resolveByServices } from "./service-target.ts";
import { openLink } from "./with-link.ts";

/** The destination's database as it is reached from here; undefined where there is none. */
export interface DatabaseLink {
  ref: DatabaseRef | undefined;
  /** Which link was chosen, and why; undefined where there is no database. */
  route: Pick<ChosenLink, "link" | "reason"> | undefined;
  explain(error: unknown): unknown;
  close(): unknown;
}

/** What of the way there is; without a part of it there are fewer links to choose from. */
type LinkPorts = ReachPorts & {
  cluster: Cluster | undefined;
  receiver: Pick<Receiver, "dial"> | undefined;
};

/** Chooses how the database is reached, and makes that way. */
export async function linkDatabase(
  { database, link, cluster: place }: ClusterDestination,
  { cluster, receiver, log, signal, logIn }: LinkPorts,
): Promise<DatabaseLink> {
  const direct = { ref: database, explain: (error: unknown) => error, close: () => undefined };
  if (database === undefined) return { ...direct, route: undefined };
  const ways: LinkWays = { relay: receiver?.dial };
  if (cluster !== undefined) {
    const resolve = resolveByServices(cluster, { namespace: place.namespace });
    ways["port-forward"] = noting(forwardDial(cluster, resolve), logIn);
  }
  const { dial, ...route } = await chooseLink(link, database, { ways, signal, log });
  if (dial === undefined) return { ...direct, route };
  return { ...(await openLink(database, dial, { log })), route };
}

/** To the driver a token that is refused is a server that cannot be reached. */
function noting(dial: Dial, logIn: ReachPorts["logIn"]): Dial {
  return async (target, signal) => {
    try {
      return await dial(target, signal);
    } catch (error) {
      logIn?.note(error);
      throw error;
    }
  };
}
