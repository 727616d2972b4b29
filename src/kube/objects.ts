import { z } from "zod";
import { MigrationError } from "../core/errors.ts";
import { type Action, ApiError, isAbsent } from "./api-error.ts";
import type { Cluster, DeleteOptions, ListOptions, WriteOptions } from "./cluster.ts";
import { type ObjectPath, pathOf } from "./names.ts";
import { KubeObject, type Resource } from "./resource.ts";
import { resourceOf } from "./resources.ts";
import type { Transport } from "./transport.ts";

/** The name by which server-side apply knows what is ours. */
const fieldManager = "migctl";

const pageSize = 500;

const List = z.looseObject({
  metadata: z.looseObject({
    resourceVersion: z.string().optional(),
    continue: z.string().optional(),
  }),
  items: z.array(z.looseObject({})).nullish(),
});

type Objects = Pick<Cluster, "get" | "list" | "create" | "apply" | "patch" | "delete">;

/** What can be done with any object. */
export function makeObjects(transport: Transport): Objects {
  return {
    async get(resource, name, namespace) {
      const target = { name, namespace };
      const action = actionOn(resource, "get", target);
      const path = pathOf(resource, target);
      const found = await orAbsent(transport.json({ method: "GET", path, action }));
      return found === undefined ? undefined : parseObject(resource, found);
    },
    async list(resource, namespace, options) {
      return (await listAll(transport, { resource, namespace, options })).items;
    },
    create: (object, options) => create(transport, object, options),
    apply: (object, options) => apply(transport, object, options),
    async patch(resource, target, patch, options) {
      const action = actionOn(resource, "patch", target);
      await transport.json({
        ...{ method: "PATCH", path: pathOf(resource, target), action, body: patch },
        ...{ contentType: "application/merge-patch+json", query: writeQuery(options) },
        signal: options?.signal,
      });
    },
    delete(resource, name, namespace, options) {
      return remove(transport, { resource, target: { name, namespace } }, options);
    },
  };
}

/** What stands in a request's messages. */
export function actionOn(resource: Resource<unknown>, verb: string, target: ObjectPath): Action {
  const { apiVersion, plural } = resource;
  const { subresource, namespace, name } = target;
  return {
    verb,
    resource: subresource === undefined ? plural : `${plural}/${subresource}`,
    group: apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "",
    namespace,
    name,
  };
}

/** Throws E_CLUSTER where a field that we use is not what it is known to be. */
export function parseObject<T>(resource: Resource<T>, value: unknown): T {
  const result = resource.schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new MigrationError(
    "E_CLUSTER",
    `The API's ${resource.kind} is not understood: ${problems.join("; ")}`,
    { hint: "See which versions of Kubernetes are supported" },
  );
}

async function orAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

export interface Listing<T> {
  resource: Resource<T>;
  namespace: string | undefined;
  options?: ListOptions | undefined;
}

/** All pages; where the rest of them has expired meanwhile, all of it anew. */
export async function listAll<T>(
  transport: Transport,
  listing: Listing<T>,
): Promise<{ items: T[]; resourceVersion: string }> {
  let items: T[] = [];
  for (let next: string | undefined; ; ) {
    const page = await readPage(transport, listing, next);
    if (page === "expired") {
      items = [];
      next = undefined;
      continue;
    }
    items.push(...page.items);
    next = page.next;
    if (next === undefined) return { items, resourceVersion: page.resourceVersion };
  }
}

async function readPage<T>(transport: Transport, listing: Listing<T>, next: string | undefined) {
  const { resource, namespace, options } = listing;
  const query = selectors(options);
  query.set("limit", String(pageSize));
  if (next !== undefined) query.set("continue", next);
  const path = pathOf(resource, { namespace });
  const action = actionOn(resource, "list", { namespace });
  let page: z.infer<typeof List>;
  try {
    page = List.parse(
      await transport.json({ method: "GET", path, query, action, signal: options?.signal }),
    );
  } catch (error) {
    if (next !== undefined && error instanceof ApiError && error.status === 410) return "expired";
    throw error;
  }
  const { apiVersion, kind } = resource;
  return {
    // In a list they stand without it.
    items: (page.items ?? []).map((item) => parseObject(resource, { apiVersion, kind, ...item })),
    next: page.metadata.continue || undefined,
    resourceVersion: page.metadata.resourceVersion ?? "",
  };
}

export function selectors(options: ListOptions | undefined): URLSearchParams {
  return new URLSearchParams({
    ...(options?.labels === undefined ? {} : { labelSelector: options.labels }),
    ...(options?.fields === undefined ? {} : { fieldSelector: options.fields }),
  });
}

async function create(
  transport: Transport,
  object: KubeObject,
  options?: WriteOptions,
): Promise<KubeObject> {
  const { resource, namespace, name } = known(object);
  checkNamed(resource, { namespace, name });
  const created = await transport.json({
    ...{ method: "POST", path: pathOf(resource, { namespace }), body: object },
    ...{ query: writeQuery(options, { fieldManager }), signal: options?.signal },
    action: actionOn(resource, "create", { namespace, name }),
  });
  return KubeObject.parse(created);
}

/** What another has changed by hand becomes ours again: a controller's own objects are its own. */
async function apply(
  transport: Transport,
  object: KubeObject,
  options?: WriteOptions,
): Promise<KubeObject> {
  const { resource, namespace, name } = known(object);
  const applied = await transport.json({
    ...{ method: "PATCH", path: pathOf(resource, { namespace, name }), body: object },
    ...{ contentType: "application/apply-patch+yaml", signal: options?.signal },
    query: writeQuery(options, { fieldManager, force: "true" }),
    action: actionOn(resource, "patch", { namespace, name }),
  });
  return KubeObject.parse(applied);
}

function known({ apiVersion, kind, metadata }: KubeObject) {
  const resource = resourceOf({ apiVersion, kind });
  if (resource !== undefined) {
    return { resource, name: metadata.name, namespace: metadata.namespace };
  }
  throw new MigrationError("E_UNEXPECTED", `There is no descriptor of ${apiVersion} ${kind}`);
}

/** The path of a creation has no name in it; a bad one is told as everywhere else. */
function checkNamed(resource: Resource<unknown>, target: ObjectPath) {
  pathOf(resource, target);
}

function writeQuery(
  options: WriteOptions | undefined,
  others: Record<string, string> = {},
): URLSearchParams {
  return new URLSearchParams({
    ...others,
    ...(options?.dryRun === true ? { dryRun: "All" } : {}),
  });
}

async function remove(
  transport: Transport,
  { resource, target }: { resource: Resource<unknown>; target: ObjectPath },
  options: DeleteOptions = {},
): Promise<boolean> {
  const { uid, gracePeriodSeconds, dryRun, signal } = options;
  const body = {
    apiVersion: "v1",
    kind: "DeleteOptions",
    propagationPolicy: "Background",
    ...(uid === undefined ? {} : { preconditions: { uid } }),
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(dryRun === true ? { dryRun: ["All"] } : {}),
  };
  const action = actionOn(resource, "delete", target);
  const path = pathOf(resource, target);
  try {
    const done = await orAbsent(transport.json({ method: "DELETE", path, body, action, signal }));
    return done !== undefined;
  } catch (error) {
    // Another object has that name by now.
    if (uid !== undefined && error instanceof ApiError && error.status === 409) return false;
    throw error;
  }
}
