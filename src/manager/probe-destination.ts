import { randomBytes } from "node:crypto";
import { withReleasers } from "../core/releasers.ts";
import type { FileDestination } from "../files/destination.ts";
import { openLocalDestination } from "../files/local-destination.ts";
import type { Cluster } from "../kube/cluster.ts";
import { openCluster } from "../kube/connect.ts";
import type { ClusterDestination, DestinationEndpoint } from "../plan/endpoint.ts";
import type { ProbeAnswer, ProbedDestination, ProbedReceiver } from "../plan/probe.ts";
import type { DatabaseRef } from "../plan/steps.ts";
import type { Receiver } from "../receiver/connect-receiver.ts";
import { askClock, probed } from "../workers/probe-answer.ts";
import { probeDestinationDatabase } from "../workers/probe-databases.ts";
import { linkDatabase } from "./link/link-database.ts";
import { openReceiver } from "./open-receiver.ts";
import { probeReach } from "./probe-network.ts";
import type { ReachPorts } from "./reach-ports.ts";
import { readManifest } from "./receiver-pod.ts";

type Release = (release: () => unknown) => void;

/** Looks at a destination, and calls `also` with its database as it is reached from here. */
export async function probeDestination(
  endpoint: DestinationEndpoint,
  ports: ReachPorts,
  also: (ref: DatabaseRef) => Promise<void>,
): Promise<ProbedDestination> {
  return await withReleasers(async (release) => {
    if (endpoint.kind === "cluster") return await ofCluster(endpoint, { ports, release }, also);
    const destination = openLocalDestination(endpoint.dir);
    release(() => destination.close());
    const { database: ref } = endpoint;
    if (ref !== undefined) await also(ref);
    return {
      ...(await probeFolder(destination, ports.signal)),
      reach: await probeReach(ref, ports.signal),
      ...(ref === undefined ? {} : await probeDestinationDatabase(ref, nowOf(ports))),
    };
  });
}

function nowOf({ clock, signal }: ReachPorts) {
  return { now: clock.now, signal };
}

async function probeFolder(
  destination: FileDestination,
  signal: AbortSignal,
): Promise<Pick<ProbedDestination, "space" | "powers">> {
  return {
    space: await probed(signal, async () => {
      await destination.check();
      const { freeBytes, freeFiles } = await destination.space();
      return { freeBytes, ...(freeFiles === undefined ? {} : { freeFiles }) };
    }),
    powers: await probed(signal, async () => ({ preserve: (await destination.powers()).preserve })),
  };
}

interface Opening {
  ports: ReachPorts;
  release: Release;
}

async function ofCluster(
  endpoint: ClusterDestination,
  opening: Opening,
  also: (ref: DatabaseRef) => Promise<void>,
): Promise<ProbedDestination> {
  const { ports, release } = opening;
  const { signal, env } = ports;
  const cluster = await openCluster(endpoint.access, { environment: env });
  release(() => cluster.close());
  const api = await probed(signal, async () => ({ version: await cluster.version() }));
  // Without its API nothing else of it can be reached.
  const viaApi = "failure" in api ? undefined : cluster;
  const [apiClock, receiver, reach] = await Promise.all([
    // Into a pod that is not ours nobody needs the right to make one.
    endpoint.receiver.kind === "own" ? viaApi && probeApiClock(endpoint, viaApi, ports) : undefined,
    "failure" in api ? api : startReceiver(endpoint, cluster, opening),
    probeReach(endpoint.database, signal),
  ]);
  return {
    api,
    ...(apiClock === undefined ? {} : { apiClock }),
    ...("value" in receiver
      ? await probeReceiver(receiver.value, ports)
      : { receiver, space: receiver, powers: receiver }),
    reach,
    ...(await probeDatabase(endpoint, { ...opening, cluster: viaApi, receiver }, also)),
  };
}

interface StartedReceiver extends Receiver {
  startSeconds: number;
}

async function startReceiver(
  endpoint: ClusterDestination,
  cluster: Cluster,
  { ports, release }: Opening,
): Promise<ProbeAnswer<StartedReceiver>> {
  const { signal, clock } = ports;
  return await probed(signal, async () => {
    const start = clock.elapsed();
    const receiver = await openReceiver(endpoint, cluster, ports);
    release(() => receiver.close());
    return { ...receiver, startSeconds: Math.round((clock.elapsed() - start) / 1000) };
  });
}

async function probeReceiver(receiver: StartedReceiver, { clock, signal }: ReachPorts) {
  return {
    receiver: await probed(signal, () => describe(receiver, clock.now)),
    ...(await probeFolder(receiver.destination, signal)),
  };
}

async function describe(receiver: StartedReceiver, now: () => number): Promise<ProbedReceiver> {
  const { startSeconds } = receiver;
  const { version, uid, gid, architecture, rsync } = await receiver.info();
  const clock = await askClock(now, async () => (await receiver.info()).clock);
  const { name: route, reason } = receiver.route();
  return {
    ...{ uid, gid, architecture, clock, startSeconds, route },
    ...(version === undefined ? {} : { version }),
    ...(rsync === undefined ? {} : { rsync }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** What the API says that an object was made at which it only was to look at. */
async function probeApiClock(
  endpoint: ClusterDestination,
  cluster: Cluster,
  { clock, signal }: ReachPorts,
) {
  return await probed(signal, async () => {
    const { receiver } = endpoint;
    const pod = {
      ...{ apiVersion: "v1", kind: "Pod" },
      metadata: {
        name: `migctl-clock-${randomBytes(4).toString("hex")}`,
        namespace: endpoint.cluster.namespace,
      },
      spec: receiver.kind === "own" ? (await readManifest(receiver.manifest))["spec"] : undefined,
    };
    const ask = async () => {
      const { metadata } = await cluster.create(pod, { dryRun: true, signal });
      return Date.parse(metadata.creationTimestamp ?? "");
    };
    // It tells the second alone.
    return await askClock(clock.now, ask, 1000);
  });
}

interface Reached extends Opening {
  cluster: Cluster | undefined;
  receiver: ProbeAnswer<Receiver>;
}

/** By the way that a run takes, with what of it there is. */
async function probeDatabase(
  endpoint: ClusterDestination,
  { ports, release, cluster, receiver }: Reached,
  also: (ref: DatabaseRef) => Promise<void>,
): Promise<Pick<ProbedDestination, "link" | "database" | "rights">> {
  const linked = await probed(ports.signal, () =>
    linkDatabase(endpoint, {
      ...{ ...ports, cluster },
      receiver: "value" in receiver ? receiver.value : undefined,
    }),
  );
  if ("failure" in linked) return { link: linked };
  const { ref, route, close } = linked.value;
  release(close);
  if (ref === undefined || route === undefined) return {};
  await also(ref);
  return { link: { value: route }, ...(await probeDestinationDatabase(ref, nowOf(ports))) };
}
