import type { Document } from "mongodb";
import { MigrationError } from "../../core/errors.ts";
import { failpoint } from "../../core/failpoints.ts";
import { type Retrying, retry } from "../../core/retry.ts";
import type { RawBatch } from "../bson-walk.ts";
import type { CollectionSelection, CollectionSpec, SourceDatabase } from "../database.ts";
import { encodeExact, escapeCollectionName, metadataJson } from "../metadata.ts";
import { makeResumedReading } from "../read-resumed.ts";
import { describeFilter } from "../selection.ts";
import { bucketsOf } from "../source-catalog.ts";
import type { ArchiveWriter } from "./create.ts";
import type { Manifest } from "./manifest.ts";

export type ManifestCollection = Manifest["collections"][number];

/** What is backed up of one collection. */
export interface BackupTarget {
  spec: CollectionSpec;
  selection: CollectionSelection;
}

export interface BackupOptions {
  /** For how long a source that went away is waited for. */
  retrying: Retrying;
  /** Called with each batch once it was handed on to the archive. */
  onBatch(batch: RawBatch): void;
  /** The collection is read from its start again. */
  onAgain(): void;
}

/**
 * Writes a collection's metadata and documents as mongodump lays them out, though the source goes
 * away meanwhile. If it throws, the archive is as it was before.
 */
export async function backUpCollection(
  source: SourceDatabase,
  archive: ArchiveWriter,
  target: BackupTarget,
  options: BackupOptions,
): Promise<ManifestCollection> {
  const { spec, selection } = target;
  refuseFilteredTimeSeries(target);
  const indexes = await readIndexes(source, spec, options);
  const reading = { ...target, indexes };
  const counted =
    spec.type === "view" ? undefined : await writeDocuments(source, archive, reading, options);
  const metadata = metadataJson({ ...spec, indexes, collectionName: spec.name });
  await archive.add(`${source.name}/${escapeCollectionName(spec.name)}.metadata.json`, metadata);
  return {
    name: spec.name,
    type: spec.type,
    ...(spec.uuid === undefined ? {} : { uuid: spec.uuid }),
    ...(counted ?? { documents: 0, bytes: 0 }),
    ...(selection.filters.length === 0 ? {} : { selected: selection.filters.map(describeFilter) }),
    options: encodeExact(spec.options),
    indexes: indexes.map(encodeExact),
  };
}

async function readIndexes(
  source: SourceDatabase,
  { name, type }: CollectionSpec,
  { retrying }: BackupOptions,
): Promise<Document[]> {
  if (type === "view") return [];
  return await retry(retrying, () => source.indexes(name));
}

type IndexedTarget = BackupTarget & { indexes: readonly Document[] };

async function writeDocuments(
  source: SourceDatabase,
  archive: ArchiveWriter,
  target: IndexedTarget,
  { retrying, onBatch, onAgain }: BackupOptions,
) {
  const { spec, selection } = target;
  const collection = spec.type === "timeseries" ? bucketsOf(spec.name) : spec.name;
  const entry = `${source.name}/${escapeCollectionName(collection)}.bson`;
  const how = { hasIdOrder: hasIdOrder(target), signal: retrying.signal };
  const reading = makeResumedReading(source, { ...selection, collection }, how);
  let writer = archive.begin(entry);
  let documents = 0;

  async function read(progressed: () => void) {
    for await (const batch of reading.batches(progressed)) {
      await writer.write(batch.data);
      documents += batch.count;
      onBatch(batch);
      failpoint("archive.afterBatch");
    }
  }

  async function beginAnew() {
    await writer.abandon();
    writer = archive.begin(entry);
    documents = 0;
    onAgain();
  }

  try {
    await retry(retrying, async (progressed) => {
      try {
        await read(progressed);
      } catch (error) {
        if (retrying.mayPass(error) && !reading.goesOn()) await beginAnew();
        throw error;
      }
    });
    const digest = await writer.end();
    archive.list(entry, digest);
    failpoint("archive.afterEntry");
    return { entry, documents, bytes: digest.bytes };
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

/**
 * Whether a query gets its documents by an index on `_id`. Capped collections and time series have
 * their own order kept; a filter compares byte for byte, which an index of another collation
 * cannot give the order for.
 */
function hasIdOrder({ spec: { type, options }, selection, indexes }: IndexedTarget): boolean {
  if (type !== "collection" || options["capped"]) return false;
  if (options["collation"] !== undefined && selection.filters.length > 0) return false;
  const { clusteredIndex } = options;
  return clusteredIndex !== undefined || indexes.some(({ name }) => name === "_id_");
}

/** Its documents are buckets that the server makes; a query on its fields finds none. */
function refuseFilteredTimeSeries({ spec, selection }: BackupTarget) {
  if (spec.type !== "timeseries" || selection.filters.length === 0) return;
  throw new MigrationError("E_SCOPE", `Cannot take a part of the time series "${spec.name}"`, {
    hint: "Migrate the whole server, or leave that collection out",
  });
}
