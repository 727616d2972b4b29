import type { Report } from "../../core/progress.ts";
import type { Container } from "./container.ts";
import type { ArchivedCollection, Contents } from "./contents.ts";
import { damaged } from "./damage.ts";
import { makeDigest } from "./digest.ts";
import { makeFrameWalk } from "./frame.ts";
import { manifestName } from "./manifest.ts";
import { compareDigests } from "./read-documents.ts";
import { digested, readUnpacked } from "./read-entry.ts";

interface Options {
  signal?: AbortSignal;
  report?: Report;
}

interface Counter {
  documents: number;
  bytes: number;
}

/**
 * Reads every entry and compares it with what is expected. Without expectations (a dump of
 * mongodump) it learns them, so that the restore can tell whether something changed since.
 */
export async function checkContents(container: Container, contents: Contents, options: Options) {
  const known = contents.expected.size > 0;
  if (known) compareNames(container, contents);
  const sum: Counter = { documents: 0, bytes: 0 };
  for (const collection of contents.collections) {
    await checkCollection(container, { contents, collection, known, sum }, options);
  }
  if (known) await checkOthers(container, contents, options.signal);
}

function compareNames({ path, entries }: Container, { expected }: Contents) {
  for (const name of expected.keys()) {
    if (!entries.has(name)) throw damaged(path, `the entry "${name}" is missing`);
  }
  for (const name of entries.keys()) {
    if (name !== manifestName && !expected.has(name)) {
      throw damaged(path, `the entry "${name}" is not in the manifest`);
    }
  }
}

interface Work {
  contents: Contents;
  collection: ArchivedCollection;
  /** Whether it is said what the entry must be. */
  known: boolean;
  /** Of the collections before it, for the progress. */
  sum?: Counter;
}

/** Reads the entry of one collection, and compares it or learns what it is. */
export async function checkCollection(
  container: Container,
  { contents, collection, known, sum = { documents: 0, bytes: 0 } }: Work,
  { signal, report }: Options,
) {
  const { entry } = collection;
  if (entry === undefined) return;
  const expected = contents.expected.get(entry);
  if (known && expected === undefined) throw damaged(container.path, `"${entry}" is not listed`);
  const stream = digested(readUnpacked(container, entry), makeDigest(), (found) => {
    if (expected !== undefined) compareDigests(container.path, entry, { expected, found });
    else contents.expected.set(entry, found);
  });
  const walk = makeFrameWalk(entry);
  const counted: Counter = walk.walked;
  for await (const chunk of stream) {
    signal?.throwIfAborted();
    walk.update(chunk);
    report?.(progress(contents, sum, counted));
  }
  walk.finish();
  sum.documents += counted.documents;
  sum.bytes += counted.bytes;
  if (!known) Object.assign(collection, counted);
  if (counted.documents !== collection.documents || counted.bytes !== collection.bytes) {
    const { documents, bytes } = counted;
    throw damaged(container.path, `"${entry}" holds ${documents} documents in ${bytes} bytes`);
  }
}

/** The metadata files: nothing is read from them, but they belong to the archive. */
async function checkOthers(
  container: Container,
  { collections, expected }: Contents,
  signal: AbortSignal | undefined,
) {
  const done = new Set(collections.map(({ entry }) => entry));
  for (const [name, digest] of expected) {
    if (done.has(name)) continue;
    const stream = digested(container.read(name), makeDigest(), (found) =>
      compareDigests(container.path, name, { expected: digest, found }),
    );
    for await (const _ of stream) signal?.throwIfAborted();
  }
}

function progress({ collections }: Contents, sum: Counter, counted: Counter) {
  const total = (field: keyof Counter) =>
    collections.reduce((all, collection) => all + collection[field], 0);
  return {
    phase: "checking the archive",
    documents: { done: sum.documents + counted.documents, total: total("documents") },
    bytes: { done: sum.bytes + counted.bytes, total: total("bytes") },
  };
}
