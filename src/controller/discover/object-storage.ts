import { hasCode, MigrationError } from "../../core/errors.ts";
import { ApiError } from "../../kube/api-error.ts";
import { KubeObject, type Resource } from "../../kube/resource.ts";
import type { Found } from "./discovered.ts";
import { flagWithin } from "./json-value.ts";
import type { Release } from "./release.ts";
import type { Search } from "./search.ts";

/** Throws E_REFUSED where files are in object storage: a copy of the volume would lack them. */
export async function refuseObjectStorage(search: Search, release: Release): Promise<void> {
  const told = await findObjectStorage(search, release);
  if (told?.value !== true) return;
  throw new MigrationError(
    "E_REFUSED",
    `The ${search.side}'s release "${release.name.value}" keeps files in object storage, as ${told.from} says`,
    {
      hint: "Only files on a volume can be moved: bring them back to the volume first, or move them by other means",
    },
  );
}

/** Undefined where nothing tells it. */
async function findObjectStorage(
  search: Search,
  { settings }: Release,
): Promise<Found<boolean> | undefined> {
  if (settings?.objectStorage !== undefined) {
    return { value: settings.objectStorage, from: settings.from };
  }
  for (const { "api-version": apiVersion, kind, plural, key } of search.known["object-storage"]) {
    const resource = { apiVersion, kind, plural, namespaced: true, schema: KubeObject };
    for (const object of await listIfThere(search, resource)) {
      if (flagWithin(object, key) !== true) continue;
      return { value: true, from: `${kind} "${object.metadata.name}"` };
    }
  }
  return undefined;
}

/** A cluster may not have the kind at all. */
async function listIfThere(
  { cluster, namespace, options, warn }: Search,
  resource: Resource<KubeObject>,
): Promise<KubeObject[]> {
  try {
    return await cluster.list(resource, namespace, options);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return [];
    if (!hasCode(error, "E_PERMISSION")) throw error;
    warn(
      `Whether files are in object storage cannot be told: ${resource.plural} may not be listed`,
    );
    return [];
  }
}
