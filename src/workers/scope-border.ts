import { referencePairs } from "../config/application.ts";
import { bsonTypes, type RawValue } from "../mongo/bson-walk.ts";
import type { SourceDatabase } from "../mongo/database.ts";
import { anyOf } from "../mongo/selection.ts";
import type { OutsideReference } from "../plan/outside.ts";
import type { ChoiceOptions } from "./choice-options.ts";
import { existingIds, idsOf, keyOf, keysOf, type Row } from "./document-rows.ts";

export interface Crossing extends OutsideReference {
  /** Where the far documents are, and the ids of those that exist. */
  found: { collection: string; ids: RawValue[] };
}

/** Everything that crosses the border of the scope, in both directions. */
export async function crossings(
  source: SourceDatabase,
  options: ChoiceOptions,
  rows: ReadonlyMap<string, Row[]>,
  existing: readonly string[],
): Promise<Crossing[]> {
  const result: Crossing[] = [];
  const { application } = options;
  for (const [name, ofCollection] of rows) {
    for (const pair of referencePairs(application.collections[name]?.references)) {
      const inside = keysOf(rows.get(pair.target) ?? []);
      const far = pointedAt(ofCollection, pair.field, inside);
      if (far.size === 0) continue;
      const ids = existing.includes(pair.target)
        ? await existingIds(source, pair.target, anyOf("_id", far.values()), options.signal)
        : [];
      result.push({
        ...{ collection: name, ...pair, direction: "out", count: far.size },
        ...{ dangling: far.size - ids.length, found: { collection: pair.target, ids } },
      });
    }
  }
  if (options.scope.kind !== "server")
    result.push(...(await followers(source, options, rows, existing)));
  return result;
}

/** Documents outside of the scope that belong to something within it. */
async function followers(
  source: SourceDatabase,
  { application, signal }: ChoiceOptions,
  rows: ReadonlyMap<string, Row[]>,
  existing: readonly string[],
): Promise<Crossing[]> {
  const result: Crossing[] = [];
  for (const [name, collection] of Object.entries(application.collections)) {
    if (!existing.includes(name)) continue;
    const inside = keysOf(rows.get(name) ?? []);
    for (const { target, field } of referencePairs(collection.follows)) {
      const filters = anyOf(field, idsOf(rows.get(target) ?? []));
      if (filters.length === 0) continue;
      const all = await existingIds(source, name, filters, signal);
      const ids = all.filter((id) => !inside.has(keyOf(id)));
      if (ids.length === 0) continue;
      result.push({
        ...{ collection: name, field, target, direction: "in", count: ids.length, dangling: 0 },
        found: { collection: name, ids },
      });
    }
  }
  return result;
}

function pointedAt(rows: readonly Row[], field: string, inside: ReadonlySet<string>) {
  const far = new Map<string, RawValue>();
  for (const row of rows) {
    const value = row.get(field);
    if (value === undefined || isNothing(value)) continue;
    const key = keyOf(value);
    if (!inside.has(key)) far.set(key, value);
  }
  return far;
}

/** Null, undefined and the empty string refer to nothing. */
function isNothing({ type, bytes }: RawValue): boolean {
  if (type === bsonTypes.null || type === bsonTypes.undefined) return true;
  return type === bsonTypes.string && bytes.length === 5;
}
