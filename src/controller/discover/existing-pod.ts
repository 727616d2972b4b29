import { posix } from "node:path";
import type { ClusterDestinationConfig } from "../../config/network.ts";
import { MigrationError } from "../../core/errors.ts";
import type { Cluster } from "../../kube/cluster.ts";
import type { Pod } from "../../kube/pod.ts";
import { pods } from "../../kube/resources.ts";
import type { ClusterDestination } from "../../plan/endpoint.ts";
import type { Discovered } from "./discovered.ts";

/** A pod of the destination that receives the files, in place of one of ours. */
export interface ExistingPod {
  name: string;
  container: string;
  /** The data folder as that container mounts it. */
  dir: string;
}

type Ways = Pick<ClusterDestination, "transport" | "link">;

/**
 * The pod that the network config names, and where it has the data folder; undefined where it names
 * none. Throws where it does not run, does not mount the data, or could not do what was asked for.
 */
export async function findExistingPod(
  { config, cluster }: { config: ClusterDestinationConfig; cluster: Cluster },
  found: Discovered,
  ways: Ways,
): Promise<ExistingPod | undefined> {
  const { pod: name } = config;
  if (name === undefined) return undefined;
  refuseWays(name, ways);
  const namespace = found.namespace.value;
  const pod = await cluster.get(pods, name, namespace);
  if (pod === undefined) {
    throw unfit(`There is no pod "${name}" in the destination's namespace "${namespace}"`);
  }
  const { container, dir } = mountIn(pod, found, config.container);
  refuseStopped(pod, container);
  return { name, container, dir };
}

/** What needs a program of ours in the pod. */
function refuseWays(pod: string, { transport, link }: Ways) {
  const refused =
    link === "relay"
      ? "the link relay"
      : transport === "direct"
        ? "the transport direct"
        : undefined;
  if (refused === undefined) return;
  throw new MigrationError(
    "E_USAGE",
    `In the existing pod "${pod}" nothing of ours runs, which ${refused} needs`,
    {
      hint: "Choose auto, or another one; or leave pod out of the network config: a pod of our own is made and removed",
    },
  );
}

interface DataMount {
  container: string;
  dir: string;
}

/** The container that mounts the data folder for writing; throws where it is none, or not only one. */
function mountIn(pod: Pod, found: Discovered, wanted: string | undefined): DataMount {
  const { name } = pod.metadata;
  const named = pod.spec.containers.filter((one) => wanted === undefined || one.name === wanted);
  if (named.length === 0) {
    const known = pod.spec.containers.map((one) => one.name).join(", ");
    throw unfit(`The pod "${name}" has no container "${wanted}", but ${known}`);
  }
  const mounts = named.flatMap((container) => dataMountsOf(pod, container, found));
  const [first] = mounts;
  if (first === undefined) {
    const claim = found.claim.value.name;
    const of = wanted === undefined ? `The pod "${name}"` : `Container "${wanted}" of "${name}"`;
    throw unfit(`${of} does not mount the data folder of claim "${claim}" for writing`);
  }
  const containers = new Set(mounts.map(({ container }) => container));
  if (containers.size === 1) return first;
  throw new MigrationError(
    "E_DISCOVERY",
    `Several containers of the pod "${name}" mount the data: ${[...containers].join(", ")}`,
    { hint: "Choose one with --set destination.container=NAME" },
  );
}

function dataMountsOf(
  { spec }: Pod,
  container: Pod["spec"]["containers"][number],
  { claim, subPath }: Discovered,
): DataMount[] {
  const volumes = new Set(
    (spec.volumes ?? [])
      .filter(({ persistentVolumeClaim: one }) => isWritable(one, claim.value.name))
      .map(({ name }) => name),
  );
  return (container.volumeMounts ?? []).flatMap((mount) => {
    const { name, mountPath, readOnly, subPathExpr } = mount;
    if (!volumes.has(name) || readOnly === true || subPathExpr !== undefined) return [];
    const below = belowMount(subPath.value, mount.subPath ?? "");
    if (below === undefined) return [];
    return [{ container: container.name, dir: posix.resolve("/", mountPath, below) }];
  });
}

function isWritable(
  claim: { claimName: string; readOnly?: boolean | undefined } | undefined,
  name: string,
): boolean {
  return claim?.claimName === name && claim.readOnly !== true;
}

/** The data folder relative to what is mounted; undefined where it is not within that. */
function belowMount(folder: string, mounted: string): string | undefined {
  const [data, top] = [partsOf(folder), partsOf(mounted)];
  const isWithin = top.every((part, at) => part === data[at]);
  return isWithin ? data.slice(top.length).join("/") : undefined;
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

function refuseStopped({ metadata, status }: Pod, container: string) {
  const state = status?.containerStatuses?.find(({ name }) => name === container)?.state;
  if (state?.running !== undefined && metadata.deletionTimestamp === undefined) return;
  const why =
    metadata.deletionTimestamp === undefined
      ? (state?.waiting?.reason ?? state?.terminated?.reason ?? status?.phase ?? "Pending")
      : "Terminating";
  throw new MigrationError(
    "E_POD",
    `Container "${container}" of the pod "${metadata.name}" does not run (${why})`,
    { hint: "Wait until it runs, or name another pod with --set destination.pod=NAME" },
  );
}

function unfit(message: string): MigrationError {
  return new MigrationError("E_DISCOVERY", message, {
    hint: "Name another one with --set destination.pod=NAME, or leave it out: a pod of our own is made and removed",
  });
}
