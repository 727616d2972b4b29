import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { MigrationError } from "../core/errors.ts";
import type { DocumentLedger } from "../core/ledger.ts";
import type { RewriteRule } from "../core/rewrite.ts";
import type { ConflictPolicy, VerdictCounts } from "../core/verdict.ts";
import type { CollectionSpec, DestinationDatabase } from "./database.ts";
import { type Prepared, prepareCollection } from "./prepare-collection.ts";
import type { Difference } from "./prepare-collection-differences.ts";
import type { There } from "./restore-batch.ts";
import { loadCollection } from "./restore-collection.ts";
import type { Findings } from "./restore-findings.ts";
import { makeIndexBuilder } from "./restore-indexes.ts";
import { noCounters, type RestoreCounters } from "./restore-job.ts";
import { type RetryOptions, withRetries } from "./restore-retry.ts";
import { openSession, type RestoreSession } from "./restore-session.ts";
import { dataCollection, type RestoreSource, type SourceCollection } from "./restore-source.ts";
import { type Scan, scanBeside } from "./scan.ts";
import { openVerdictFile, verdictFileName } from "./verdict-file.ts";

export interface RestoreOptions extends RetryOptions {
  destination: DestinationDatabase;
  ledger: DocumentLedger;
  /** The same for all attempts at one run. */
  run: string;
  /** Folder for verdicts, conflicts, rejects and the restore's own state. */
  out: string;
  policy: ConflictPolicy;
  rewrite: Record<string, readonly RewriteRule[]>;
  newestBy: Record<string, string>;
  /** Asked before each write: throws where somebody else may write there by now. */
  guard(): Promise<void>;
  onProgress?: ((progress: RestoreProgress) => void) | undefined;
}

interface RestoreProgress {
  collection: string;
  /** Of all collections together. */
  documents: number;
  bytes: number;
}

interface RestoredCollection {
  name: string;
  documents: number;
  verdicts: VerdictCounts;
  created: boolean;
}

export interface RestoreResult {
  collections: RestoredCollection[];
  differences: Difference[];
  counters: RestoreCounters;
}

const batchesInFlight = 4;

interface Work {
  source: RestoreSource;
  options: RestoreOptions;
  session: RestoreSession;
  findings: Findings;
  existing: ReadonlyMap<string, CollectionSpec>;
  result: RestoreResult;
  progress: RestoreProgress;
}

/**
 * Loads everything of a source into the destination: collections, documents, indexes, views. It can
 * be stopped or killed at any moment and be run again with the same `run` and `out`.
 */
export async function restoreAll(
  source: RestoreSource,
  options: RestoreOptions,
): Promise<RestoreResult> {
  await mkdir(options.out, { recursive: true, mode: 0o770 });
  const session = await openSession(source, options);
  const findings = await session.openFindings();
  const collections = await withRetries("listCollections", options, () =>
    options.destination.collections(),
  );
  const work: Work = {
    source,
    options,
    session,
    findings,
    existing: new Map(collections.map((spec) => [spec.name, spec])),
    result: { collections: [], differences: [], counters: noCounters() },
    progress: { collection: "", documents: 0, bytes: 0 },
  };
  try {
    await restoreData(work);
    await restoreViews(work);
  } finally {
    await findings.close();
  }
  return work.result;
}

/** Indexes are built while the next collection loads; those that delete documents last of all. */
async function restoreData(work: Work): Promise<void> {
  const { source, options, session, result } = work;
  const builder = makeIndexBuilder(options, session);
  try {
    let number = -1;
    for await (const collection of source.arriving?.() ?? source.collections) {
      number++;
      if (collection.spec.type === "view") continue;
      const prepared = await prepare(collection, work);
      await restoreDocuments(number, { collection, prepared }, work);
      if (prepared.created) builder.start(collection);
    }
    await session.recordArchive(source.fingerprint);
  } finally {
    await builder.settle();
  }
  result.differences.push(...(await builder.finish()));
}

async function restoreViews(work: Work): Promise<void> {
  for (const collection of work.source.collections) {
    if (collection.spec.type === "view") await prepare(collection, work);
  }
}

async function prepare(collection: SourceCollection, work: Work): Promise<Prepared> {
  const { options, session, existing, result } = work;
  const preparation = {
    destination: options.destination,
    existing,
    isOurs: session.isCreated,
    recordCreation: session.recordCreation,
  };
  const { name } = collection.spec;
  const prepared = await withRetries(name, options, async () => {
    await options.guard();
    return await prepareCollection(collection, preparation);
  });
  result.differences.push(...prepared.differences);
  const type = prepared.differences.find(({ what }) => what === "type");
  if (type === undefined) return prepared;
  throw new MigrationError(
    "E_REFUSED",
    `"${collection.spec.name}" is a ${type.destination} at the destination, expected a ${type.source}`,
    { hint: "Rename or drop it at the destination, or leave it out of the migration" },
  );
}

function whatIsThere({ empty }: Prepared, { resumed }: RestoreSession): There {
  if (resumed) return "ours";
  return empty ? "nothing" : "others";
}

async function restoreDocuments(
  number: number,
  { collection, prepared }: { collection: SourceCollection; prepared: Prepared },
  work: Work,
): Promise<void> {
  const { source, options, session, findings, result, progress } = work;
  const name = dataCollection(collection);
  const plain = collection.spec.name;
  const path = join(options.out, verdictFileName(number, plain));
  const verdicts = await openVerdictFile(path, collection.documents);
  progress.collection = plain;
  const newestBy = options.newestBy[plain];
  const rewrite = options.rewrite[plain] ?? [];
  const there = whatIsThere(prepared, session);
  let scan: Scan | undefined;
  try {
    // Not where an earlier attempt may have written: what is equal then may be of this run.
    if (there === "others") scan = await scanBeside(collection, rewrite, options);
    const counts = await loadCollection({
      job: {
        collection: name,
        destination: options.destination,
        ledger: options.ledger,
        rules: { policy: options.policy, newestBy, run: options.run },
        retry: { ...options, onRetry: () => result.counters.retries++ },
        guard: options.guard,
        counters: result.counters,
        narrowed: false,
        saveBefore: (entries) => findings.saveBefore(name, entries, options.policy),
        isOverwritten: ({ ordinal }) => findings.isOverwritten(name, ordinal),
      },
      batches: source.read(collection),
      documents: collection.documents,
      rewrite,
      verdicts,
      findings,
      there,
      scan,
      parallel: collection.spec.options["capped"] ? 1 : batchesInFlight,
      onBatch(documents, bytes) {
        progress.documents += documents;
        progress.bytes += bytes;
        options.onProgress?.({ ...progress });
      },
    });
    const { created } = prepared;
    const { documents } = collection;
    result.collections.push({ name: plain, documents, verdicts: counts, created });
  } finally {
    await scan?.close();
    await verdicts.close();
  }
}
