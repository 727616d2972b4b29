import type { Application } from "../config/application.ts";
import { hasCode, MigrationError } from "../core/errors.ts";
import type { DocumentRecords } from "../core/ledger.ts";
import { documentsOf, rawId } from "../mongo/bson-walk.ts";
import type { DestinationDatabase, SourceDatabase } from "../mongo/database.ts";
import { type OwnDocument, ownDocuments } from "../mongo/own-documents.ts";
import { idKeyOf } from "../mongo/restore-candidate.ts";
import type { RetryOptions } from "../mongo/restore-retry.ts";
import { dataCollection, type RestoreSource } from "../mongo/restore-source.ts";
import type { Scope } from "../plan/scope.ts";
import { lackedBySource } from "./absent-documents.ts";
import { neverCollections } from "./application-facts.ts";
import { mayBeOfScope, whyScopeUnknown } from "./vanished-scope.ts";

/** A document of ours of which the source has nothing any more. */
export interface VanishedDocument {
  collection: string;
  id: Buffer;
  /** Why it is kept all the same. */
  kept?: string;
}

export interface DocumentSides {
  source: SourceDatabase;
  destination: DestinationDatabase;
  ledger: DocumentRecords;
  retry: RetryOptions;
  application: Application;
  scope: Scope;
  includeCollections: readonly string[];
  /** What this run has read of the source; before that there is none. */
  archive?: RestoreSource | undefined;
  run: string;
}

/** Finds the documents that this scope's runs wrote and that vanished at the source since. */
export async function* vanishedDocuments(sides: DocumentSides): AsyncGenerator<VanishedDocument> {
  const { source, destination, ledger, application, includeCollections } = sides;
  const never = new Set(neverCollections(application, includeCollections));
  const there = new Map((await destination.collections()).map((spec) => [spec.name, spec]));
  if ((await source.collections()).length === 0) throw emptySource(source.name);
  for (const collection of ledger.collections()) {
    const spec = there.get(collection);
    // Nor are there the buckets of a time series, which are no documents of anybody.
    if (spec === undefined || never.has(collection)) continue;
    const kept = spec.options["capped"] === true ? "a capped collection keeps it" : undefined;
    for await (const found of vanishedIn(collection, sides)) {
      yield kept === undefined ? found : { ...found, kept };
    }
  }
}

/** A database that was never filled looks like one of which all has vanished. */
function emptySource(name: string): MigrationError {
  return new MigrationError("E_REFUSED", `The source's database "${name}" is empty`, {
    hint: "Nothing is removed for that; see whether it is the right database, or leave --prune out",
  });
}

/** So many are looked for in the archive at once. */
const mostAtOnce = 50_000;

async function* vanishedIn(
  collection: string,
  sides: DocumentSides,
): AsyncGenerator<VanishedDocument> {
  let some = new Map<string, VanishedDocument>();
  for await (const own of ownDocuments({ ...sides, collection })) {
    const wanted = own.filter((one) => isWanted(one, sides));
    for (const found of await lackedAmong(wanted, collection, sides)) {
      some.set(idKeyOf(found.id), found);
    }
    if (some.size < mostAtOnce) continue;
    yield* await withoutArchived(collection, some, sides);
    some = new Map();
  }
  yield* await withoutArchived(collection, some, sides);
}

function isWanted({ record, origin }: OwnDocument, { scope, run }: DocumentSides): boolean {
  return record.run !== run && mayBeOfScope(origin, scope);
}

async function lackedAmong(
  documents: readonly OwnDocument[],
  collection: string,
  { source, scope, retry }: DocumentSides,
): Promise<VanishedDocument[]> {
  const ids = documents.map(({ id }) => id);
  const lacks = await lackedBySource(source, collection, ids, retry.signal);
  return documents.flatMap(({ id, origin }, at) => {
    if (lacks[at] === false) return [];
    if (lacks[at] === undefined) {
      return [{ collection, id, kept: "the source cannot be asked for such an id" }];
    }
    const kept = whyScopeUnknown(origin, scope);
    return [kept === undefined ? { collection, id } : { collection, id, kept }];
  });
}

/** What vanished after this run had read it is this run's all the same. */
async function withoutArchived(
  collection: string,
  vanished: Map<string, VanishedDocument>,
  { archive }: DocumentSides,
): Promise<Iterable<VanishedDocument>> {
  const archived = archive?.collections.find((one) => dataCollection(one) === collection);
  if (archive === undefined || archived === undefined || vanished.size === 0) {
    return vanished.values();
  }
  for await (const batch of archive.read(archived)) {
    for (const document of documentsOf(batch)) vanished.delete(keyOfDocument(document));
  }
  return vanished.values();
}

/** Of one that is rejected as nothing can be read of it, the source is asked alone. */
function keyOfDocument(document: Buffer): string {
  try {
    return idKeyOf(rawId(document));
  } catch (error) {
    if (hasCode(error, "E_INTEGRITY")) return "";
    throw error;
  }
}
