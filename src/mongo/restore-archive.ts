import type { ArchivedCollection } from "./archive/contents.ts";
import { fingerprintOf } from "./archive/manifest.ts";
import type { Archive } from "./archive/open.ts";
import type { RestoreSource, SourceCollection } from "./restore-source.ts";

/** A checked archive as the source of a restore. */
export function restoreSourceOf(archive: Archive): RestoreSource {
  const entries = new Map<SourceCollection, string>();
  const collections = archive.collections().map((archived) => {
    const collection = sourceCollectionOf(archived);
    if (archived.entry !== undefined) entries.set(collection, archived.entry);
    return collection;
  });
  return {
    fingerprint: archive.manifest === undefined ? archive.path : fingerprintOf(archive.manifest),
    collections,
    async *read(collection) {
      const entry = entries.get(collection);
      if (entry !== undefined) yield* archive.read(entry);
    },
  };
}

export function sourceCollectionOf(archived: ArchivedCollection): SourceCollection {
  const { name, type, options, uuid, indexes, documents, bytes } = archived;
  const spec = { name, type, options, ...(uuid === undefined ? {} : { uuid }) };
  return { spec, indexes, documents, bytes };
}
