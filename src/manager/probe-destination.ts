import { randomBytes } from "node:crypto";
import { withReleasers } from "../core/releasers.ts";
import type { FileDestination } from "../files/destination.ts";
import { openLocalDestination } from "../files/local-destination.ts";
import type { Cluster } from "../kube/cluster.ts";
import { openCluster } from "../kube/connect.ts";
import { pods } from "../kube/resources.ts";
import type { ClusterDestination, DestinationEndpoint } from "../plan/endpoint.ts";
import type { ProbeAnswer, ProbedDestination, ProbedReceiver } from "../plan/probe.ts";
import type { DatabaseRef } from "../plan/steps.ts";
import type { Receiver } from "../receiver/connect-receiver.ts";
import { clockOffset, probed } from "../workers/probe-answer.ts";
import { probeDestinationDatabase } from "../workers/probe-databases.ts";
import { chooseLink, type LinkWays } from "./link/choose-link.ts";
import { wordsOf } from "./link/link-failures.ts";
import { forwardDial, resolveByServices } from "./link/service-target.ts";
import { tcpDial } from "./link/tcp-dial.ts";
import { openLink } from "./link/with-link.ts";
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
  { ports, release }: Opening,
  also: (ref: DatabaseRef) => Promise<void>,
): Promise<ProbedDestination> {
  const { signal, env } = ports;
  const cluster = await openCluster(endpoint.access, { environment: env });
  release(() => cluster.close());
  const api = await probed(signal, async () => ({ version: await cluster.version() }));
  const reach = await probeReach(endpoint.database, signal);
  // Without its API nothing else of it can be reached; a log-in that is refused would be waited for.
  const receiver =
    "failure" in api ? api : await probed(signal, () => openReceiver(endpoint, cluster, ports));
  if ("value" in receiver) release(() => receiver.value.close());
  const opened = "value" in receiver ? receiver.value : undefined;
  const viaApi = "failure" in api ? undefined : cluster;
  return {
    api,
    ...(viaApi === undefined ? {} : { apiClock: await probeApiClock(endpoint, viaApi, ports) }),
    receiver:
      opened === undefined
        ? (receiver as ProbeAnswer<never>)
        : await probed(signal, () => describe(opened, { endpoint, cluster, ports })),
    ...(opened === undefined
      ? { space: receiver as ProbeAnswer<never>, powers: receiver as ProbeAnswer<never> }
      : await probeFolder(opened.destination, signal)),
    reach,
    ...(await probeDatabase(endpoint, { ports, release, cluster: viaApi, receiver: opened }, also)),
  };
}

interface Place {
  endpoint: ClusterDestination;
  cluster: Cluster;
  ports: ReachPorts;
}

async function describe(receiver: Receiver, place: Place): Promise<ProbedReceiver> {
  const { clock } = place.ports;
  let info = await receiver.info();
  const offset = await clockOffset(clock.now, async () => {
    info = await receiver.info();
    return info.clock;
  });
  const { version, uid, gid, architecture, rsync } = info;
  return {
    ...{ version, uid, gid, architecture, clock: offset },
    ...(rsync === undefined ? {} : { rsync }),
    ...(await routeOf(place)),
  };
}

const attemptMs = 4000;

/** The agent listens once it was handed a key, so its port tells whether files get there directly. */
async function routeOf({
  endpoint,
  cluster,
  ports,
}: Place): Promise<Pick<ProbedReceiver, "route" | "reason">> {
  if (endpoint.transport === "exec") return { route: "exec", reason: "It was asked for" };
  if (endpoint.receiver.kind !== "own") return { route: "exec", reason: "The pod is not ours" };
  const { manifest, port } = endpoint.receiver;
  const { metadata } = await readManifest(manifest);
  const pod = await cluster.get(pods, metadata.name, endpoint.cluster.namespace);
  const host = pod?.status?.podIP;
  if (host === undefined) return { route: "exec", reason: "The receiver has no address" };
  const late = AbortSignal.timeout(attemptMs);
  try {
    (await tcpDial({ host, port }, AbortSignal.any([late, ports.signal]))).destroy();
    return { route: "direct" };
  } catch (error) {
    ports.signal.throwIfAborted();
    const words = late.aborted ? `no answer in ${attemptMs / 1000} s` : wordsOf(error);
    return { route: "exec", reason: `${host}:${port}: ${words}` };
  }
}

/** What the API says that an object was made at which it only was to look at. */
async function probeApiClock(
  endpoint: ClusterDestination,
  cluster: Cluster,
  { clock, signal }: ReachPorts,
) {
  return await probed(signal, async () => {
    const before = clock.now();
    const { metadata } = await cluster.create(
      {
        ...{ apiVersion: "v1", kind: "Pod" },
        metadata: {
          name: `migctl-clock-${randomBytes(4).toString("hex")}`,
          namespace: endpoint.cluster.namespace,
        },
        spec:
          endpoint.receiver.kind === "own"
            ? (await readManifest(endpoint.receiver.manifest))["spec"]
            : undefined,
      },
      { dryRun: true, signal },
    );
    const after = clock.now();
    // It tells the second alone.
    const said = Date.parse(metadata.creationTimestamp ?? "") + 500;
    return {
      offsetMs: Math.round(said - (before + after) / 2),
      uncertaintyMs: Math.round(500 + (after - before) / 2),
    };
  });
}

interface Reached extends Opening {
  cluster: Cluster | undefined;
  receiver: Receiver | undefined;
}

/** Chooses the way as a run does, with what of it there is. */
async function probeDatabase(
  endpoint: ClusterDestination,
  { ports, release, cluster, receiver }: Reached,
  also: (ref: DatabaseRef) => Promise<void>,
): Promise<Pick<ProbedDestination, "link" | "database" | "rights">> {
  const { database: ref, link: asked, cluster: place } = endpoint;
  if (ref === undefined) return {};
  const { log, signal } = ports;
  const ways: LinkWays = { relay: receiver?.dial };
  if (cluster !== undefined) {
    ways["port-forward"] = forwardDial(
      cluster,
      resolveByServices(cluster, { namespace: place.namespace }),
    );
  }
  const chosen = await probed(signal, () => chooseLink(asked, ref, { ways, signal, log }));
  if ("failure" in chosen) return { link: chosen };
  const { dial, link, reason } = chosen.value;
  const opened = dial === undefined ? undefined : await openLink(ref, dial, { log });
  if (opened !== undefined) release(() => opened.close());
  const reachable = opened?.ref ?? ref;
  await also(reachable);
  return {
    link: { value: { link, reason } },
    ...(await probeDestinationDatabase(reachable, nowOf(ports))),
  };
}
