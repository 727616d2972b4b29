import { join } from "node:path";
import { codeOf, MigrationError } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import type { Progress } from "../core/progress.ts";
import type { RewriteRule } from "../core/rewrite.ts";
import type { DestinationDatabase } from "./database.ts";
import type { Difference } from "./prepare-collection-differences.ts";
import { type RetryOptions, withRetries } from "./restore-retry.ts";
import { dataCollection, type RestoreSource, type SourceCollection } from "./restore-source.ts";
import { readRestoreState } from "./restore-state.ts";
import { type Scan, scanBeside } from "./scan.ts";
import { openVerdictFile, verdictFileName } from "./verdict-file.ts";
import { type VerificationCounts, verifyDocuments } from "./verify-collection.ts";
import { ttlIndexesOf } from "./verify-expiry.ts";
import { type Mismatches, openMismatches, throwOnMismatch } from "./verify-mismatches.ts";
import { verifyStructure } from "./verify-structure.ts";

export interface VerificationOptions extends RetryOptions {
  destination: DestinationDatabase;
  /** The restore's folder. Without it every document must be equal. */
  verdicts?: string | undefined;
  /** Where mismatches are listed. */
  out?: string | undefined;
  rewrite: Record<string, readonly RewriteRule[]>;
  onProgress?: ((progress: Progress) => void) | undefined;
}

export interface VerificationResult {
  collections: (VerificationCounts & { name: string })[];
  mismatches: number;
}

interface Work {
  source: RestoreSource;
  options: VerificationOptions;
  mismatches: Mismatches;
  done: { documents: number; bytes: number };
}

/**
 * Verifies all of a source against the destination; E_INTEGRITY in the end, with the number of
 * mismatches and the first of them, when there is any.
 */
export async function verifyAll(
  source: RestoreSource,
  options: VerificationOptions,
): Promise<VerificationResult> {
  const mismatches = await openMismatches(options.out);
  const done = { documents: 0, bytes: 0 };
  const collections: VerificationResult["collections"] = [];
  try {
    for (const [number, collection] of source.collections.entries()) {
      if (collection.spec.type === "view") continue;
      const work = { source, options, mismatches, done };
      const counts = await verifyCollection(number, collection, work);
      collections.push({ name: collection.spec.name, ...counts });
    }
  } finally {
    await mismatches.close();
  }
  failpoint("verify.beforeStructure");
  const structure = await compareStructure(source, options);
  throwOnMismatch(mismatches, structure, options.out);
  return { collections, mismatches: 0 };
}

async function verifyCollection(
  number: number,
  collection: SourceCollection,
  { source, options, mismatches, done }: Work,
): Promise<VerificationCounts> {
  const { destination } = options;
  const { name } = collection.spec;
  const verdicts = await openVerdicts(number, collection, options.verdicts);
  const rewrite = options.rewrite[name] ?? [];
  let scan: Scan | undefined;
  try {
    const indexes = await withRetries(name, options, () => destination.indexes(name));
    scan = await scanBeside(collection, rewrite, options);
    const counts = await verifyDocuments({
      ...options,
      collection: dataCollection(collection),
      batches: source.read(collection),
      rewrite,
      scan,
      verdicts,
      ttl: ttlIndexesOf(indexes),
      onMismatch: mismatches.add,
      onBatch(documents, bytes) {
        done.documents += documents;
        done.bytes += bytes;
        options.onProgress?.({
          phase: name,
          documents: { done: done.documents, total: sum(source, "documents") },
          bytes: { done: done.bytes, total: sum(source, "bytes") },
        });
      },
    });
    checkCount(collection, counts);
    return counts;
  } finally {
    await scan?.close();
    await verdicts?.close();
  }
}

async function openVerdicts(
  number: number,
  { spec, documents }: SourceCollection,
  folder: string | undefined,
) {
  if (folder === undefined) return undefined;
  const path = join(folder, verdictFileName(number, spec.name));
  try {
    return await openVerdictFile(path, documents, "read");
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    const message = `Collection "${spec.name}" has no verdicts: "${path}" is missing`;
    throw new MigrationError("E_INTEGRITY", message, { hint: "Run the restore again" });
  }
}

function sum({ collections }: RestoreSource, field: "documents" | "bytes"): number {
  return collections.reduce((total, collection) => total + collection[field], 0);
}

function checkCount({ spec, documents }: SourceCollection, counts: VerificationCounts) {
  if (counts.documents === documents) return;
  throw new MigrationError(
    "E_INTEGRITY",
    `Collection "${spec.name}" has ${counts.documents} documents in the archive, expected ${documents}`,
    { hint: "Make the backup again" },
  );
}

async function compareStructure(
  { collections }: RestoreSource,
  options: VerificationOptions,
): Promise<Difference[]> {
  const { destination, verdicts } = options;
  const state = verdicts === undefined ? undefined : await readRestoreState(verdicts);
  return withRetries("listIndexes", options, () =>
    verifyStructure(collections, destination, state ?? { created: [], refusedIndexes: [] }),
  );
}
