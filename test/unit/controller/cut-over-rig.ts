import type { QuiesceOptions } from "../../../src/controller/cut-over/quiesce.ts";
import { systemClock } from "../../../src/core/clock.ts";
import type { KubeObject } from "../../../src/kube/resource.ts";
import type { Fingerprint } from "../../../src/plan/fingerprint.ts";
import { type FakeCluster, fakeCluster } from "../../support/fake-cluster.ts";
import type { FakeWrite } from "../../support/fake-writes.ts";
import { podOf } from "../../support/settled.ts";

export const namespace = "default";

export const silent: Fingerprint = {
  version: 1,
  database: {
    evidence: "latencyStats",
    process: "p",
    collections: { Models: { documents: 2, bytes: 20, writes: 7 } },
  },
};

/** One write more than in `silent`. */
export const written: Fingerprint = {
  version: 1,
  database: {
    evidence: "latencyStats",
    process: "p",
    collections: { Models: { documents: 2, bytes: 20, writes: 8 } },
  },
};

export function deployment(name: string, replicas: number | undefined): KubeObject {
  const containers = [{ name }];
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace, generation: 1 },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchExpressions: [{ key: "run", operator: "In", values: [name] }] },
      template: { metadata: { labels: { run: name } }, spec: { containers } },
    },
  };
}

interface BedOptions {
  /** Of each Deployment. */
  replicas?: Record<string, number | undefined>;
  more?: KubeObject[];
  before?(write: FakeWrite): void;
  /** Pods that stay, whatever becomes of their Deployment. */
  hanging?: string[];
  may?: FakeCluster["may"];
}

export type Bed = ReturnType<typeof makeBed>;

/** A namespace whose Deployments get and lose their pods at once. */
export function makeBed(options: BedOptions = {}) {
  const { replicas = { portal: 2, taskanaly: 1 }, more = [] } = options;
  const objects: KubeObject[] = [
    ...Object.entries(replicas).map(([name, count]) => deployment(name, count)),
    ...more,
  ];
  for (const name of Object.keys(replicas)) settle(objects, name, options.hanging);
  const writes: FakeWrite[] = [];
  const said: string[] = [];
  const cluster = fakeCluster({
    objects,
    ...(options.may === undefined ? {} : { may: options.may }),
    writes: {
      before(write) {
        options.before?.(write);
        writes.push(write);
      },
      after({ resource, name }) {
        if (resource.startsWith("deployments")) settle(objects, name, options.hanging);
      },
    },
  });
  const place = { cluster, namespace, name: "mvi-full-1a2b" };
  return {
    objects,
    writes,
    said,
    place,
    options: {
      ...place,
      writers: Object.keys(replicas).map((name) => ({ name })),
      ask: async () => silent,
      ...{ silenceSeconds: 0, timeoutSeconds: 0, clock: systemClock },
      signal: new AbortController().signal,
      say: (text: string) => void said.push(text),
    } satisfies QuiesceOptions,
    replicas: () => replicasIn(objects),
  };
}

export function find(objects: readonly KubeObject[], kind: string, name: string) {
  return objects.find((one) => one.kind === kind && one.metadata.name === name);
}

function replicasIn(objects: readonly KubeObject[]): Record<string, number> {
  const all = objects.filter(({ kind }) => kind === "Deployment");
  return Object.fromEntries(all.map((one) => [one.metadata.name, countOf(one)]));
}

function countOf(object: KubeObject): number {
  return (object["spec"] as { replicas?: number }).replicas ?? 1;
}

/** What the Deployment's controller and the kubelet make of it. */
function settle(objects: KubeObject[], name: string, hanging: string[] = []) {
  const at = objects.findIndex((one) => one.kind === "Deployment" && one.metadata.name === name);
  const own = objects[at];
  if (own === undefined) return;
  const count = countOf(own);
  const isOwn = (one: KubeObject) => one.kind === "Pod" && one.metadata.name.startsWith(`${name}-`);
  const stays = (one: KubeObject) => !isOwn(one) || hanging.includes(one.metadata.name);
  const { generation } = own.metadata;
  const status = { observedGeneration: generation, replicas: count };
  objects[at] = {
    ...own,
    status: { ...status, updatedReplicas: count, availableReplicas: count },
  };
  const kept = objects.filter(stays);
  const made = Array.from({ length: count }, (_, index) => podOf(own, {}, `p${index}`)).filter(
    ({ metadata }) => !kept.some((one) => one.metadata.name === metadata.name),
  );
  objects.splice(0, objects.length, ...kept, ...made);
}
