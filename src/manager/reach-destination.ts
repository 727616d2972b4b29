import { hasCode, MigrationError } from "../core/errors.ts";
import { withReleasers } from "../core/releasers.ts";
import type { FileDestination } from "../files/destination.ts";
import { openLocalDestination } from "../files/local-destination.ts";
import { openCluster } from "../kube/connect.ts";
import type { ClusterDestination } from "../plan/endpoint.ts";
import { givenIn } from "../plan/given-files.ts";
import { credentialsSecret } from "../plan/inputs.ts";
import type { Plan } from "../plan/plan.ts";
import { type DatabaseLink, linkDatabase } from "./link/link-database.ts";
import { type LogIn, watchLogIn } from "./log-in.ts";
import { openReceiver } from "./open-receiver.ts";
import type { ReachPorts } from "./reach-ports.ts";
import { refuseOtherPlace } from "./refuse-other-place.ts";

/** A plan's destination while it can be worked on. */
export interface Reached {
  destination: FileDestination;
  /** The plan as workers are to use it: its database is the link's. */
  plan: Plan;
  /** Adds to an error of the database what the link knows of its reason. */
  explain(error: unknown): unknown;
  /** Does work on it; where a token expires meanwhile, waits for another one and does it again. */
  keep: LogIn["keep"];
}

/** Hands `work` the destination of a plan, wherever that is, and closes it afterwards. */
export async function withDestination<T>(
  plan: Plan,
  ports: ReachPorts,
  work: (reached: Reached) => Promise<T>,
): Promise<T> {
  if (plan.destination.kind === "local") {
    const destination = openLocalDestination(plan.destination.dir);
    try {
      return await work({ destination, plan, explain: (error) => error, keep: (does) => does() });
    } finally {
      destination.close();
    }
  }
  const endpoint = givenIn(ports.env["MIGCTL_GIVEN_FILES"], plan.destination);
  try {
    return await withCluster(plan, endpoint, ports, work);
  } catch (error) {
    const isStopped = ports.signal.aborted && !hasCode(error, "E_LOCKED");
    throw isStopped ? interrupted(error) : error;
  }
}

async function withCluster<T>(
  plan: Plan,
  endpoint: ClusterDestination,
  outer: ReachPorts,
  work: (reached: Reached) => Promise<T>,
): Promise<T> {
  return await withReleasers(async (release) => {
    const environment = outer.env;
    const cluster = await openCluster(endpoint.access, { environment, migration: plan.name });
    release(() => cluster.close());
    const logIn = watchLogIn({
      ...{ cluster, namespace: endpoint.cluster.namespace, secret: credentialsSecret(plan) },
      ...{ ...outer, now: outer.clock.now },
    });
    const { keep } = logIn;
    const ports = { ...outer, logIn };
    await keep(() => refuseOtherPlace(endpoint, cluster));
    const receiver = await keep(() => openReceiver(endpoint, cluster, ports));
    release(() => receiver.close());
    const link = await keep(() => linkDatabase(endpoint, { cluster, receiver, ...ports }));
    release(() => link.close());
    const { destination } = receiver;
    const reached = { destination, plan: linked(plan, endpoint, link), keep };
    return await work({ ...reached, explain: link.explain });
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
