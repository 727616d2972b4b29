import type { Document } from "mongodb";
import { documentsOf } from "./bson-walk.ts";
import type { CollectionSpec, CollectionType, SourceDatabase } from "./database.ts";
import { describeFields, type FieldShape } from "./inspect-fields.ts";

/** What a collection looks like, without a single value of it. */
export interface CollectionShape {
  name: string;
  type: CollectionType;
  documents: number;
  bytes: number;
  indexes: { name: string; keys: Record<string, string>; unique: boolean }[];
  /** How many documents the fields were taken from. */
  sampled: number;
  fields: FieldShape[];
}

export interface InspectOptions {
  signal?: AbortSignal;
  /** At most so many documents of a collection are looked at. */
  sample?: number;
}

const defaultSample = 1000;
const sampleBytes = 32 * 1024 * 1024;
/** Describes every collection of a database from a bounded number of its documents. */
export async function inspectDatabase(
  source: SourceDatabase,
  options: InspectOptions = {},
): Promise<CollectionShape[]> {
  const shapes: CollectionShape[] = [];
  for (const spec of await source.collections()) {
    options.signal?.throwIfAborted();
    shapes.push(await inspectCollection(source, spec, options));
  }
  return shapes;
}

async function inspectCollection(
  source: SourceDatabase,
  { name, type }: CollectionSpec,
  options: InspectOptions,
): Promise<CollectionShape> {
  if (type !== "collection") {
    return { name, type, documents: 0, bytes: 0, indexes: [], sampled: 0, fields: [] };
  }
  const size = await source.size(name);
  const indexes = (await source.indexes(name)).map(describeIndex);
  const documents = await sampleDocuments(source, name, options);
  const fields = describeFields(documents);
  return { name, type, ...size, indexes, sampled: documents.length, fields };
}

function describeIndex(index: Document): CollectionShape["indexes"][number] {
  const keys = Object.entries(index["key"] ?? {}).map(([field, way]) => [field, String(way)]);
  return {
    name: String(index["name"]),
    keys: Object.fromEntries(keys),
    unique: index["unique"] === true || index["name"] === "_id_",
  };
}

/** As many documents as wanted, but no more than fit into a few batches. */
async function sampleDocuments(
  source: SourceDatabase,
  collection: string,
  { signal, sample = defaultSample }: InspectOptions,
): Promise<Buffer[]> {
  const documents: Buffer[] = [];
  let bytes = 0;
  const reading = source.read({ collection, filters: [] }, signal === undefined ? {} : { signal });
  for await (const batch of reading) {
    for (const document of documentsOf(batch)) {
      documents.push(document);
      bytes += document.length;
      if (documents.length === sample || bytes > sampleBytes) return documents;
    }
  }
  return documents;
}
