import type { Duplex } from "node:stream";
import { MigrationError } from "../../src/core/errors.ts";
import type { Cluster, ListOptions } from "../../src/kube/cluster.ts";
import type { KubeObject, Resource } from "../../src/kube/resource.ts";
import { type FakeWrites, makeWriter, nothingWrites } from "./fake-writes.ts";

export interface FakeCluster {
  objects: KubeObject[];
  /** Of the context. */
  namespace?: string;
  /** Whether the log-in may do it; all is allowed without it. */
  may?: (
    verb: "get" | "list" | "create" | "patch" | "delete",
    plural: string,
    name: string,
  ) => boolean;
  /** Lets `objects` be changed, and tells of it. */
  writes?: FakeWrites;
  forward?: (target: { namespace: string; pod: string; port: number }) => Promise<Duplex>;
  exec?: Cluster["exec"];
}

/** A cluster that holds objects and answers questions; what would change it throws without `writes`. */
export function fakeCluster(options: FakeCluster): Cluster {
  const { objects, namespace, may, forward, writes } = options;
  function ask(verb: Parameters<NonNullable<typeof may>>[0], plural: string, name = "") {
    if (may === undefined || may(verb, plural, name)) return;
    throw new MigrationError("E_PERMISSION", `${plural} "${name}" is forbidden: cannot ${verb}`);
  }
  function of<T>(resource: Resource<T>, inside: string | undefined): T[] {
    return objects
      .filter(({ apiVersion, kind, metadata }) => {
        const isKind = apiVersion === resource.apiVersion && kind === resource.kind;
        return isKind && (!resource.namespaced || metadata.namespace === inside);
      })
      .map((object) => resource.schema.parse(object));
  }
  return {
    server: "https://fake.example:6443",
    namespace,
    async get<T>(resource: Resource<T>, name: string, inside?: string) {
      ask("get", resource.plural, name);
      return of(resource, inside).find((one) => nameOf(one) === name);
    },
    async list<T>(resource: Resource<T>, inside?: string, options?: ListOptions) {
      ask("list", resource.plural);
      return of(resource, inside).filter((one) => hasLabels(one, options?.labels));
    },
    forward: (target) => (forward ?? notHere("forward"))(target),
    watch: notHere("watch"),
    ...(writes === undefined ? nothingWrites(notHere) : makeWriter(objects, writes, ask)),
    exec: options.exec ?? notHere("exec"),
    logs: notHere("logs"),
    can: notHere("can"),
    version: async () => "v1.34.4",
    async uid() {
      if (may !== undefined && !may("get", "namespaces", "kube-system")) return undefined;
      return "11111111-1111-1111-1111-111111111111";
    },
    close() {},
  };
}

function notHere(verb: string): () => never {
  return () => {
    throw new Error(`The fake cluster cannot ${verb}`);
  };
}

function metadataOf(object: unknown): KubeObject["metadata"] {
  return (object as KubeObject).metadata;
}

function nameOf(object: unknown): string {
  return metadataOf(object).name;
}

function hasLabels(object: unknown, selector: string | undefined): boolean {
  const wanted = selector === undefined ? [] : selector.split(",").map((one) => one.split("="));
  return wanted.every(([key = "", value]) => metadataOf(object).labels?.[key] === value);
}
