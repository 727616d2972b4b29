import { MigrationError } from "../core/errors.ts";
import type { Resource } from "./resource.ts";

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Throws E_USAGE unless it is an RFC 1123 subdomain, which is what most objects are named by. */
export function checkName(name: string, kind: string): string {
  if (name.length <= 253 && subdomain.test(name)) return name;
  throw badName(name, kind);
}

/** Throws E_USAGE unless it is an RFC 1123 label: namespaces and containers. */
export function checkLabel(name: string, kind: string): string {
  if (name.length <= 63 && label.test(name)) return name;
  throw badName(name, kind);
}

function badName(name: string, kind: string): MigrationError {
  return new MigrationError("E_USAGE", `"${name}" cannot be the name of a ${kind}`, {
    hint: "Such a name has lower-case letters, digits, - and . only, and starts and ends with a letter or digit",
  });
}

export interface ObjectPath {
  /** Required where the resource is namespaced, but for a list of all namespaces. */
  namespace?: string | undefined;
  name?: string | undefined;
  subresource?: string | undefined;
}

/** The path in the API's URL. Every name in it was checked: none can lead to another object. */
export function pathOf(resource: Resource<unknown>, target: ObjectPath): string {
  const { apiVersion, kind, plural, namespaced } = resource;
  const parts = [apiVersion.includes("/") ? "/apis" : "/api", apiVersion];
  if (namespaced && target.namespace !== undefined) {
    parts.push("namespaces", checkLabel(target.namespace, "Namespace"));
  } else if (namespaced && target.name !== undefined) {
    throw new MigrationError("E_UNEXPECTED", `No namespace is given for the ${kind}`);
  }
  parts.push(plural);
  if (target.name !== undefined) parts.push(checkName(target.name, kind));
  if (target.subresource !== undefined) {
    parts.push(checkLabel(target.subresource, "subresource"));
  }
  return parts.join("/");
}
