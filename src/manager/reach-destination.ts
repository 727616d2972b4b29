import { MigrationError } from "../core/errors.ts";
import { withReleasers } from "../core/releasers.ts";
import type { FileDestination } from "../files/destination.ts";
import { openLocalDestination } from "../files/local-destination.ts";
import { openCluster } from "../kube/connect.ts";
import type { ClusterDestination } from "../plan/endpoint.ts";
import type { Plan } from "../plan/plan.ts";
import { type DatabaseLink, linkDatabase } from "./link/link-database.ts";
import { openReceiver } from "./open-receiver.ts";
import { type ReachPorts, whileLoggedOut } from "./reach-ports.ts";

/** A plan's destination while it can be worked on. */
export interface Reached {
  destination: FileDestination;
  /** The plan as workers are to use it: its database is the link's. */
  plan: Plan;
  /** Adds to an error of the database what the link knows of its reason. */
  explain(error: unknown): unknown;
}

/** Hands `work` the destination of a plan, wherever that is, and closes it afterwards. */
export async function withDestination<T>(
  plan: Plan,
  ports: ReachPorts,
  work: (reached: Reached) => Promise<T>,
): Promise<T> {
  const endpoint = plan.destination;
  if (endpoint.kind === "local") {
    const destination = openLocalDestination(endpoint.dir);
    try {
      return await work({ destination, plan, explain: (error) => error });
    } finally {
      destination.close();
    }
  }
  try {
    return await withCluster(plan, endpoint, ports, work);
  } catch (error) {
    throw ports.signal.aborted ? interrupted(error) : error;
  }
}

async function withCluster<T>(
  plan: Plan,
  endpoint: ClusterDestination,
  ports: ReachPorts,
  work: (reached: Reached) => Promise<T>,
): Promise<T> {
  return await withReleasers(async (release) => {
    const environment = ports.env;
    const cluster = await openCluster(endpoint.access, { environment, migration: plan.name });
    release(() => cluster.close());
    const receiver = await whileLoggedOut(ports, () => openReceiver(endpoint, cluster, ports));
    release(() => receiver.close());
    const link = await linkDatabase(endpoint, { cluster, receiver, ...ports });
    release(() => link.close());
    const { destination } = receiver;
    return await work({ destination, plan: linked(plan, endpoint, link), explain: link.explain });
  });
}

function interrupted(cause: unknown): MigrationError {
  return new MigrationError("E_INTERRUPTED", "Stopped on the way to the destination", {
    cause,
    hint: "Start it again: it goes on where it was",
  });
}

function linked(plan: Plan, endpoint: ClusterDestination, { ref }: DatabaseLink): Plan {
  if (ref === undefined) return plan;
  return { ...plan, destination: { ...endpoint, database: ref } };
}
