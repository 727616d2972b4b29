import { MigrationError } from "../../core/errors.ts";
import type { CollectionSelection, CollectionSpec, RawBatch, SourceDatabase } from "../database.ts";
import { encodeExact, escapeCollectionName, metadataJson } from "../metadata.ts";
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
  signal: AbortSignal;
  /** Called with each batch once it was handed on to the archive. */
  onBatch(batch: RawBatch): void;
}

/**
 * Writes a collection's metadata and documents as mongodump lays them out. If it throws, the
 * archive is as it was before.
 */
export async function backUpCollection(
  source: SourceDatabase,
  archive: ArchiveWriter,
  target: BackupTarget,
  options: BackupOptions,
): Promise<ManifestCollection> {
  const { spec, selection } = target;
  refuseFilteredTimeSeries(target);
  const indexes = spec.type === "view" ? [] : await source.indexes(spec.name);
  const counted =
    spec.type === "view" ? undefined : await writeDocuments(source, archive, target, options);
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

async function writeDocuments(
  source: SourceDatabase,
  archive: ArchiveWriter,
  { spec, selection }: BackupTarget,
  { signal, onBatch }: BackupOptions,
) {
  const collection = spec.type === "timeseries" ? bucketsOf(spec.name) : spec.name;
  const entry = `${source.name}/${escapeCollectionName(collection)}.bson`;
  const writer = archive.begin(entry);
  let documents = 0;
  try {
    for await (const batch of source.read({ ...selection, collection }, { signal })) {
      await writer.write(batch.data);
      documents += batch.count;
      onBatch(batch);
    }
    const digest = await writer.end();
    archive.list(entry, digest);
    return { entry, documents, bytes: digest.bytes };
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

/** Its documents are buckets that the server makes; a query on its fields finds none. */
function refuseFilteredTimeSeries({ spec, selection }: BackupTarget) {
  if (spec.type !== "timeseries" || selection.filters.length === 0) return;
  throw new MigrationError("E_SCOPE", `Cannot take a part of the time series "${spec.name}"`, {
    hint: "Migrate the whole server, or leave that collection out",
  });
}
