import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { MigrationError } from "../../src/core/errors.ts";
import type { Cluster, WriteOptions } from "../../src/kube/cluster.ts";
import type { KubeObject, Resource } from "../../src/kube/resource.ts";
import { resourceOf } from "../../src/kube/resources.ts";

export interface FakeWrite {
  verb: "create" | "apply" | "patch" | "delete";
  /** The plural, with the subresource: "deployments/scale". */
  resource: string;
  name: string;
}

export interface FakeWrites {
  /** What it throws is thrown in place of the write. */
  before?(write: FakeWrite): void;
  /** What controllers make of it. */
  after?(write: FakeWrite): void;
}

type Writer = Pick<Cluster, "create" | "apply" | "patch" | "delete">;
type Ask = (verb: "create" | "patch" | "delete", plural: string, name: string) => void;

export function nothingWrites(notHere: (verb: string) => () => never): Writer {
  return {
    create: notHere("create"),
    apply: notHere("apply"),
    patch: notHere("patch"),
    delete: notHere("delete"),
  };
}

/** Changes `objects` as an API server does; a Deployment's generation grows with its spec. */
export function makeWriter(objects: KubeObject[], writes: FakeWrites, ask: Ask): Writer {
  function find({ kind }: { kind: string }, name: string, namespace: string | undefined) {
    return objects.findIndex(
      (one) =>
        one.kind === kind && one.metadata.name === name && one.metadata.namespace === namespace,
    );
  }
  function write<T>(what: FakeWrite, work: () => T): T {
    const [plural = ""] = what.resource.split("/");
    ask(what.verb === "apply" ? "patch" : what.verb, plural, what.name);
    writes.before?.(what);
    const done = work();
    writes.after?.(what);
    return done;
  }
  /** What the API looks at in a dry run as well. */
  function check(verb: "create" | "apply", object: KubeObject, earlier: KubeObject | undefined) {
    const { name } = object.metadata;
    if (earlier === undefined) return;
    if (verb === "create") throw new MigrationError("E_EXISTS", `${name} exists`);
    if (object.kind !== "Job" || isDeepStrictEqual(templateOf(earlier), templateOf(object))) return;
    throw new MigrationError("E_CLUSTER", `Job "${name}" is invalid: field is immutable`);
  }
  function put(verb: "create" | "apply", object: KubeObject, options?: WriteOptions): KubeObject {
    const { name, namespace } = object.metadata;
    const resource = resourceOf(object)?.plural ?? object.kind;
    if (options?.dryRun === true) {
      check(verb, object, objects[find(object, name, namespace)]);
      return structuredClone(object);
    }
    return write({ verb, resource, name }, () => {
      const at = find(object, name, namespace);
      check(verb, object, objects[at]);
      const kept = withUid(object, objects[at]);
      if (at >= 0) objects[at] = kept;
      else objects.push(kept);
      return structuredClone(kept);
    });
  }
  return {
    create: async (object, options) => put("create", object, options),
    apply: async (object, options) => put("apply", object, options),
    async patch<T>(
      resource: Resource<T>,
      { namespace, name, subresource }: { namespace?: string; name: string; subresource?: string },
      patch: unknown,
    ) {
      const below = subresource === undefined ? "" : `/${subresource}`;
      write({ verb: "patch", resource: `${resource.plural}${below}`, name }, () => {
        const at = find(resource, name, namespace);
        const known = objects[at];
        if (known === undefined) throw new MigrationError("E_CLUSTER", `${name} not found`);
        const next = merge(known, patch) as KubeObject;
        const generation = Number(known.metadata["generation"] ?? 1) + 1;
        objects[at] = { ...next, metadata: { ...next.metadata, generation } };
      });
    },
    async delete<T>(resource: Resource<T>, name: string, namespace: string | undefined) {
      return write({ verb: "delete", resource: resource.plural, name }, () => {
        const at = find(resource, name, namespace);
        if (at >= 0) objects.splice(at, 1);
        return at >= 0;
      });
    },
  };
}

function withUid(object: KubeObject, earlier: KubeObject | undefined): KubeObject {
  const kept = structuredClone(object);
  const uid = earlier?.metadata.uid ?? kept.metadata.uid ?? randomUUID();
  return { ...kept, metadata: { ...kept.metadata, uid } };
}

function templateOf(object: KubeObject): unknown {
  return (object["spec"] as { template?: unknown } | undefined)?.template;
}

/** A JSON merge patch. */
function merge(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return structuredClone(patch);
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
