import { bsonTypes, unpackValue } from "../mongo/bson-walk.ts";
import type { SourceDatabase } from "../mongo/database.ts";
import { anyOf, equals } from "../mongo/selection.ts";
import { existingIds, keyOf } from "./document-rows.ts";

/** Whether a source lacks a document; undefined where that cannot be asked. */
export type Lacks = boolean | undefined;

/** Of each id whether the source has no document under it, in the order of the ids. */
export async function lackedBySource(
  source: SourceDatabase,
  collection: string,
  ids: readonly Buffer[],
  signal: AbortSignal,
): Promise<Lacks[]> {
  const values = ids.map(unpackValue);
  const canAsk = values.map((id) => id.type !== bsonTypes.undefined && source.canReadFrom(id));
  const asked = values.filter((_, at) => canAsk[at]);
  const found = await existingIds(source, collection, anyOf("_id", asked), signal);
  const keys = new Set(found.map(keyOf));
  const known = new Set(asked.map(keyOf));
  // The server takes 5 for 5.0, which the bytes do not: then each is asked for by itself.
  const isExact = [...keys].every((key) => known.has(key));
  const lacks: Lacks[] = [];
  for (const [at, id] of values.entries()) {
    if (canAsk[at] !== true) lacks.push(undefined);
    else if (isExact || keys.has(keyOf(id))) lacks.push(!keys.has(keyOf(id)));
    else lacks.push((await source.count({ collection, filters: [equals("_id", id)] })) === 0);
  }
  return lacks;
}
