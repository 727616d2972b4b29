import type { Application } from "../config/application.ts";
import { stringValue } from "../mongo/bson-build.ts";
import { bsonTypes, type RawValue } from "../mongo/bson-walk.ts";
import type { CollectionSelection, SourceDatabase } from "../mongo/database.ts";
import { anyOf, equals, except } from "../mongo/selection.ts";
import type { OutsideReference } from "../plan/outside.ts";
import { inParentOrder, knownFields, neverCollections, ownerField } from "./application-facts.ts";
import type { ChoiceOptions } from "./choice-options.ts";
import { idsOf, keyOf, type Row, readRows } from "./document-rows.ts";
import { type Crossing, crossings } from "./scope-border.ts";

export interface DocumentChoice {
  selections: CollectionSelection[];
  /** Of each collection that has files, owners or references: what is known of its documents. */
  rows: Map<string, Row[]>;
  outside: OutsideReference[];
  /** Collections at the source that are left out, although the scope is the whole server. */
  leftOut: string[];
}

type Seeds = Map<string, Map<string, RawValue>>;

/** Finds which documents a scope has; with `includeReferences` also what they refer to, wholly. */
export async function selectDocuments(
  source: SourceDatabase,
  options: ChoiceOptions,
): Promise<DocumentChoice> {
  const existing = await existingCollections(source);
  const seeds: Seeds = new Map();
  for (;;) {
    const choice = await chooseOnce(source, options, existing, seeds);
    const border = await crossings(source, options, choice.rows, existing);
    if (!options.includeReferences || !addSeeds(seeds, border)) {
      return { ...choice, outside: border.map(({ found: _found, ...rest }) => rest) };
    }
  }
}

async function existingCollections(source: SourceDatabase): Promise<string[]> {
  const specs = await source.collections();
  return specs.map(({ name }) => name).sort();
}

async function chooseOnce(
  source: SourceDatabase,
  options: ChoiceOptions,
  existing: readonly string[],
  seeds: Seeds,
): Promise<Omit<DocumentChoice, "outside">> {
  const { application, includeCollections } = options;
  const never = neverCollections(application, includeCollections);
  const wanted = existing.filter((name) => !never.includes(name));
  const filters =
    options.scope.kind === "server"
      ? new Map(wanted.map((name) => [name, undefined] as const))
      : new Map<string, Buffer[] | undefined>();
  const rows = new Map<string, Row[]>();
  for (const name of inParentOrder(application)) {
    if (!wanted.includes(name)) continue;
    if (options.scope.kind !== "server") {
      const chosen = scopedFilters(name, options, rows, seeds);
      if (chosen.length === 0) continue;
      filters.set(name, chosen);
    }
    const fields = knownFields(application, name);
    if (fields.length === 0) continue;
    rows.set(
      name,
      await readRows(
        source,
        { collection: name, filters: filters.get(name) ?? [] },
        fields,
        options.signal,
      ),
    );
  }
  const selections = [...filters].map(([collection, chosen]) => ({
    collection,
    filters: chosen ?? [],
  }));
  const leftOut = options.scope.kind === "server" ? existing.filter((n) => never.includes(n)) : [];
  return { selections, rows, leftOut };
}

/** Filters that together select a collection's documents of the scope; no two of them overlap. */
function scopedFilters(
  name: string,
  { application, scope }: ChoiceOptions,
  rows: ReadonlyMap<string, Row[]>,
  seeds: Seeds,
): Buffer[] {
  const collection = application.collections[name];
  const chosen: Buffer[] = [];
  const add = (filters: readonly Buffer[]) => {
    const before = [...chosen];
    for (const filter of filters) chosen.push(except(filter, before));
  };
  if (scope.kind === "server" || collection === undefined) return [];
  const field = collection.scopes?.[scope.kind];
  if (field !== undefined) add([equals(field, stringValue(scope.value))]);
  for (const [parent, child] of Object.entries(collection["child-of"] ?? {})) {
    add(anyOf(child, idsOf(rows.get(parent) ?? [])));
  }
  add(anyOf("_id", seeds.get(name)?.values() ?? []));
  return chosen;
}

/** Adds what exists on the far side to what is selected; false when there is nothing new. */
function addSeeds(seeds: Seeds, border: readonly Crossing[]): boolean {
  let grown = false;
  for (const { found } of border) {
    const known = seeds.get(found.collection) ?? new Map<string, RawValue>();
    seeds.set(found.collection, known);
    for (const id of found.ids) {
      if (known.has(keyOf(id))) continue;
      known.set(keyOf(id), id);
      grown = true;
    }
  }
  return grown;
}

/** The accounts that the documents name. */
export function ownersOf(application: Application, rows: ReadonlyMap<string, Row[]>): string[] {
  const owners = new Set<string>();
  for (const [name, ofCollection] of rows) {
    const collection = application.collections[name];
    const field = collection === undefined ? undefined : ownerField(collection);
    if (field === undefined) continue;
    for (const row of ofCollection) {
      const value = row.get(field);
      if (value?.type === bsonTypes.string)
        owners.add(value.bytes.subarray(4, -1).toString("utf8"));
    }
  }
  return [...owners].sort();
}
