import {
  bsonTypes,
  documentsOf,
  leadingId,
  packValue,
  type RawBatch,
  type RawValue,
  rawField,
} from "./bson-walk.ts";
import type { CollectionSelection, SourceDatabase } from "./database.ts";

/** A reading of one selection in several attempts. */
export interface ResumedReading {
  /** The batches from the start, or those still to come; tells when it got further than ever. */
  batches(progressed: () => void): AsyncIterable<RawBatch>;
  /**
   * To be called when `batches` broke off. True when the next `batches` goes on behind the last
   * batch that was taken; false when it begins anew.
   */
  goesOn(): boolean;
}

/**
 * Reads in the collection's own order, as mongodump does, until that breaks off: nothing then says
 * where to go on. The next attempt begins anew in the order of `_id`, where the collection has it,
 * and from then on each goes on where the one before it ended.
 */
export function makeResumedReading(
  source: SourceDatabase,
  selection: CollectionSelection,
  { hasIdOrder, signal }: { hasIdOrder: boolean; signal: AbortSignal },
): ResumedReading {
  const parts = partsOf(selection);
  let mayOrder = hasIdOrder;
  let byId = false;
  let furthest = 0;
  let part = 0;
  let last: RawValue | undefined;

  async function* whole(progressed: () => void) {
    let documents = 0;
    for await (const batch of source.read(selection, { signal })) {
      yield batch;
      documents += batch.count;
      if (documents <= furthest) continue;
      furthest = documents;
      progressed();
    }
  }

  async function* rest(progressed: () => void) {
    for (const current of parts.slice(part)) {
      const from = last === undefined ? {} : { from: last };
      for await (const batch of source.read(current, { signal, byId: from })) {
        yield behind(batch, last);
        last = lastId(batch);
        progressed();
      }
      part++;
      last = undefined;
    }
  }

  return {
    batches: (progressed) => (byId ? rest(progressed) : whole(progressed)),
    goesOn() {
      if (byId ? last === undefined || source.canReadFrom(last) : furthest === 0) return true;
      byId = mayOrder;
      mayOrder = false;
      part = 0;
      last = undefined;
      return false;
    },
  };
}

/** Each filter is a query of its own, with an order of its own. */
function partsOf({ collection, filters }: CollectionSelection): CollectionSelection[] {
  if (filters.length === 0) return [{ collection, filters }];
  return filters.map((filter) => ({ collection, filters: [filter] }));
}

/** Without the document of this id, with which a reading that goes on begins if it is still there. */
function behind(batch: RawBatch, id: RawValue | undefined): RawBatch {
  const [first] = documentsOf(batch);
  if (id === undefined || first === undefined) return batch;
  if (!packValue(idOf(first)).equals(packValue(id))) return batch;
  return { data: batch.data.subarray(first.length), count: batch.count - 1 };
}

/** A copy, which does not keep the whole batch in memory. */
function lastId(batch: RawBatch): RawValue | undefined {
  let last: Buffer | undefined;
  for (const document of documentsOf(batch)) last = document;
  if (last === undefined) return undefined;
  const { type, bytes } = idOf(last);
  return { type, bytes: Buffer.from(bytes) };
}

/** The index holds a document without an `_id` as null. */
function idOf(document: Buffer): RawValue {
  const id = leadingId(document) ?? rawField(document, "_id");
  return id ?? { type: bsonTypes.null, bytes: Buffer.alloc(0) };
}
