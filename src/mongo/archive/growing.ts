import { randomUUID } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { codeOf, MigrationError } from "../../core/errors.ts";
import { sourceCollectionOf } from "../restore-archive.ts";
import type { RestoreSource, SourceCollection } from "../restore-source.ts";
import { checkCollection } from "./check.ts";
import type { Container } from "./container.ts";
import { type Contents, toArchived } from "./contents.ts";
import { damaged } from "./damage.ts";
import { type EntryRecord, localHeader, methods } from "./layout.ts";
import type { Manifest } from "./manifest.ts";
import type { CheckOptions } from "./open.ts";
import { readDocuments } from "./read-documents.ts";
import { inflated } from "./read-entry.ts";
import { readRange } from "./read-range.ts";
import type { WrittenEntry } from "./zip-writer.ts";

/** What becomes known of an archive while it is made, in this order. */
export type ArchivePiece =
  | { what: "begun"; path: string; temporary: string; database: string }
  | { what: "collection"; collection: Manifest["collections"][number]; entry?: WrittenEntry }
  | { what: "sealed"; fingerprint: string };

/** An archive that is restored from while it is made. */
export interface GrowingArchive extends RestoreSource {
  close(): Promise<void>;
}

/**
 * The source of a restore that goes on beside the backup. Each collection is given out once all of
 * its entry was read back and is what was written; the archive as a whole is proved by its writer.
 */
export async function openGrowingArchive(
  pieces: AsyncGenerator<ArchivePiece>,
  options: CheckOptions = {},
): Promise<GrowingArchive> {
  const first = (await pieces.next()).value;
  if (first?.what !== "begun") throw unexpected("does not begin with its name");
  const { path, temporary, database } = first;
  const file = await openEither(temporary, path);
  const records = new Map<string, EntryRecord>();
  const contents: Contents = { database, collections: [], expected: new Map() };
  const container = makeContainer(file, path, records);
  const collections: SourceCollection[] = [];
  const entries = new Map<SourceCollection, string>();
  const source: GrowingArchive = {
    fingerprint: `growing ${randomUUID()}`,
    collections,
    arriving,
    async *read(collection) {
      const entry = entries.get(collection);
      if (entry !== undefined) {
        yield* readDocuments(container, contents, { entry, checked: true });
      }
    },
    close: () => file.close(),
  };

  async function* arriving() {
    for await (const piece of pieces) {
      if (piece.what === "sealed") source.fingerprint = piece.fingerprint;
      if (piece.what !== "collection") continue;
      const archived = toArchived(piece.collection);
      if (piece.entry !== undefined) {
        const { record, digest } = piece.entry;
        records.set(record.name, record);
        contents.expected.set(record.name, digest);
        contents.collections.push(archived);
        await checkCollection(container, { contents, collection: archived, known: true }, options);
      }
      const collection = sourceCollectionOf(archived);
      if (archived.entry !== undefined) entries.set(collection, archived.entry);
      collections.push(collection);
      yield collection;
    }
  }

  return source;
}

/** It may have its name by now. */
async function openEither(temporary: string, path: string): Promise<FileHandle> {
  try {
    return await open(temporary, "r");
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    return await open(path, "r");
  }
}

/** Reads the entries that are whole of a zip file that has no directory yet. */
function makeContainer(
  file: FileHandle,
  path: string,
  records: ReadonlyMap<string, EntryRecord>,
): Container {
  return {
    path,
    entries: records,
    async *read(name) {
      const record = records.get(name);
      if (record === undefined) throw damaged(path, `the entry "${name}" is missing`);
      const start = record.offset + localHeader(record).length;
      const packed = readRange(file, start, start + record.compressedSize);
      yield* record.method === methods.store ? packed : inflated(packed, { path, name });
    },
    close: () => file.close(),
  };
}

function unexpected(what: string): MigrationError {
  return new MigrationError("E_UNEXPECTED", `An archive in the making ${what}`);
}
