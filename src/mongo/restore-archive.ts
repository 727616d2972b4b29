import type { Archive } from "./archive/open.ts";
import type { RestoreSource, SourceCollection } from "./restore-source.ts";

/** A checked archive as the source of a restore. */
export function restoreSourceOf(archive: Archive): RestoreSource {
  const entries = new Map<SourceCollection, string>();
  const collections = archive.collections().map((archived): SourceCollection => {
    const { name, type, options, uuid, indexes, documents, bytes, entry } = archived;
    const spec = { name, type, options, ...(uuid === undefined ? {} : { uuid }) };
    const collection = { spec, indexes, documents, bytes };
    if (entry !== undefined) entries.set(collection, entry);
    return collection;
  });
  return {
    fingerprint: archive.manifest?.body.sha256 ?? archive.path,
    collections,
    async *read(collection) {
      const entry = entries.get(collection);
      if (entry !== undefined) yield* archive.read(entry);
    },
  };
}
