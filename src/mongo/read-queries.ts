import type { Document } from "mongodb";
import { arrayValue, buildDocument, documentValue, element, idDocument } from "./bson-build.ts";
import { bsonTypes } from "./bson-walk.ts";
import type { CollectionSelection, ReadOptions } from "./database.ts";
import { equals } from "./selection.ts";

/** One query of a reading, whose documents come before those of the next. */
export interface ReadQuery {
  filter: Buffer | undefined;
  /** The fields of `find` that keep an order. */
  order: Document;
  /** The first `_id` as a bound of the index: `$gte` would find ids of that one's type only. */
  min: Buffer | undefined;
}

/** The queries that together find what a selection asks for, in the order that is asked for. */
export function* queriesOf(
  { filters }: CollectionSelection,
  byId: ReadOptions["byId"],
): Generator<ReadQuery> {
  const order = byId === undefined ? {} : { sort: { _id: 1 }, hint: { _id: 1 } };
  const from = byId?.from;
  const min = from === undefined ? undefined : idDocument(from);
  for (const filter of filters.length === 0 ? [undefined] : filters) {
    // A bound of the largest is refused.
    if (from?.type !== bsonTypes.maxKey) yield { filter, order, min };
    if (from !== undefined) yield { filter: withLargestId(filter), order: {}, min: undefined };
  }
}

/** A query with a lower bound ends in front of this id, the upper bound of every index. */
const largestId = equals("_id", { type: bsonTypes.maxKey, bytes: Buffer.alloc(0) });

function withLargestId(filter: Buffer | undefined): Buffer {
  if (filter === undefined) return largestId;
  return buildDocument([element("$and", arrayValue([filter, largestId].map(documentValue)))]);
}
