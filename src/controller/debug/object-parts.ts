import type { Cluster } from "../../kube/cluster.ts";
import type { Resource } from "../../kube/resource.ts";
import {
  configMaps,
  deployments,
  events,
  jobs,
  networkPolicies,
  persistentVolumeClaims,
  pods,
  secrets,
  serviceAccounts,
} from "../../kube/resources.ts";
import { selectorOf } from "../labels.ts";
import type { Part } from "./gather.ts";

/** A namespace that a migration has objects in. */
export interface DebugSide {
  cluster: Cluster;
  namespace: string;
  signal: AbortSignal;
}

interface Objects {
  side: "source" | "destination";
  /** Of the migration; those of all where it is not known. */
  name: string | undefined;
  claim: string | undefined;
  open(): Promise<DebugSide>;
}

/** What a migration makes at either side. */
const made = {
  source: [deployments, jobs, pods, configMaps, serviceAccounts, networkPolicies, secrets],
  destination: [pods],
};
const mostEvents = 500;

/** The migration's own objects in a namespace, and what happened there of late. */
export function objectParts({ side, name, claim, open }: Objects): Part[] {
  const kinds = made[side] as readonly Resource<unknown>[];
  const parts = kinds.map((resource): Part => {
    const path = `${side}/${resource.plural}.yaml`;
    return {
      path,
      async read() {
        const { cluster, namespace, signal } = await open();
        const labels = selectorOf(name);
        const found = await cluster.list(resource, namespace, { labels, signal });
        return found.length === 0
          ? []
          : [{ path, value: found.map((one) => shown(one, resource)) }];
      },
    };
  });
  return [
    ...parts,
    ...(claim === undefined ? [] : [claimPart(side, claim, open)]),
    eventPart(side, open),
    versionPart(side, open),
  ];
}

function claimPart(side: string, claim: string, open: Objects["open"]): Part {
  const path = `${side}/persistentvolumeclaim.yaml`;
  return {
    path,
    async read() {
      const { cluster, namespace } = await open();
      const found = await cluster.get(persistentVolumeClaims, claim, namespace);
      return found === undefined
        ? [{ path, missing: `There is no claim "${claim}" in namespace "${namespace}"` }]
        : [{ path, value: shown(found, persistentVolumeClaims) }];
    },
  };
}

function eventPart(side: string, open: Objects["open"]): Part {
  const path = `${side}/events.yaml`;
  return {
    path,
    async read() {
      const { cluster, namespace, signal } = await open();
      const all = await cluster.list(events, namespace, { signal });
      const told = all.map(({ involvedObject, type, reason, message, count, ...event }) => ({
        at: event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? "",
        ...{
          object: `${involvedObject.kind}/${involvedObject.name}`,
          type,
          reason,
          message,
          count,
        },
      }));
      const value = told.sort((a, b) => a.at.localeCompare(b.at)).slice(-mostEvents);
      return [{ path, value }];
    },
  };
}

function versionPart(side: string, open: Objects["open"]): Part {
  const path = `${side}/cluster.yaml`;
  return {
    path,
    async read() {
      const { cluster, namespace } = await open();
      return [
        { path, value: { server: cluster.server, namespace, version: await cluster.version() } },
      ];
    },
  };
}

type Fields = Record<string, unknown>;

/** Without what says nothing; of a Secret, and of what is packed, the keys alone. */
function shown(object: unknown, { kind }: Pick<Resource<unknown>, "kind">): unknown {
  const { metadata, data, binaryData, ...rest } = object as Record<string, Fields | undefined>;
  const { managedFields: _, annotations, ...about } = metadata ?? {};
  return {
    ...rest,
    metadata: { ...about, annotations: withoutApplied(annotations) },
    ...(kind === secrets.kind ? { keys: Object.keys(data ?? {}) } : { data }),
    ...(binaryData === undefined ? {} : { binaryKeys: Object.keys(binaryData) }),
  };
}

/** kubectl keeps there the whole object again, of a Secret too. */
function withoutApplied(annotations: unknown): Fields {
  const all = (annotations ?? {}) as Fields;
  const { "kubectl.kubernetes.io/last-applied-configuration": _, ...others } = all;
  return others;
}
