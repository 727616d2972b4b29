import {
  type Application,
  type ApplicationCollection,
  patternText,
  placeholders,
  referencePairs,
} from "../config/application.ts";

/** The described collections, parents before what is selected with them. */
export function inParentOrder(application: Application): string[] {
  const ordered: string[] = [];
  function visit(name: string) {
    if (ordered.includes(name) || application.collections[name] === undefined) return;
    for (const parent of Object.keys(application.collections[name]["child-of"] ?? {}))
      visit(parent);
    ordered.push(name);
  }
  for (const name of Object.keys(application.collections)) visit(name);
  return ordered;
}

/**
 * The fields that must be known of each document of a collection to find its files, its owner and
 * what it refers to; empty for collections whose documents are only counted and moved.
 */
export function knownFields(application: Application, name: string): string[] {
  const collection = application.collections[name];
  if (collection === undefined) return [];
  const fields = new Set<string>();
  for (const pattern of collection.files ?? []) {
    for (const field of placeholders(patternText(pattern))) fields.add(field);
  }
  for (const { field } of referencePairs(collection.references)) fields.add(field);
  for (const { field } of referencePairs(collection.follows)) fields.add(field);
  const owner = ownerField(collection);
  if (owner !== undefined) fields.add(owner);
  if (fields.size > 0 || isPointedAt(application, name)) fields.add("_id");
  return [...fields];
}

/** The field that names the account a document belongs to. */
export function ownerField(collection: ApplicationCollection): string | undefined {
  return collection.scopes?.user;
}

function isPointedAt(application: Application, name: string): boolean {
  return Object.values(application.collections).some(
    (other) =>
      name in (other["child-of"] ?? {}) ||
      name in (other.references ?? {}) ||
      name in (other.follows ?? {}),
  );
}

/** The collections that no run takes unless they are asked for by name. */
export function neverCollections(application: Application, included: readonly string[]) {
  return application.never.collections.filter((name) => !included.includes(name));
}

/** The names in the application's paths that are the same at every site. */
export function pathNames(application: Application): Set<string> {
  const patterns = Object.values(application.collections).flatMap(
    ({ files = [], expects = [] }) => [...files.map(patternText), ...expects],
  );
  const names = [...patterns, ...application.never.paths].flatMap((pattern) => pattern.split("/"));
  return new Set(names.filter((name) => name !== "" && !name.includes("{")));
}
