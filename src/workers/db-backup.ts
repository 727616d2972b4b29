import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeFolder } from "../core/atomic-file.ts";
import { MigrationError } from "../core/errors.ts";
import { withReleasers } from "../core/releasers.ts";
import { programVersion } from "../core/version.ts";
import {
  type BackupTarget,
  backUpCollection,
  type ManifestCollection,
} from "../mongo/archive/backup-collection.ts";
import { type ArchiveWriter, createArchive } from "../mongo/archive/create.ts";
import { connectSource } from "../mongo/connect.ts";
import type { RawBatch, SourceDatabase } from "../mongo/database.ts";
import { readSelection } from "../mongo/selection.ts";
import type { StepInputs } from "../plan/steps.ts";
import { type BackupProgress, makeBackupProgress } from "./backup-progress.ts";
import type { WorkerContext } from "./context.ts";

export interface DbBackupOutput {
  archive: string;
  /** SHA-256 of the archive's manifest, which vouches for everything in it. */
  manifestSha256: string;
  /** The size of the archive. */
  compressedBytes: number;
  documents: number;
  bytes: number;
  collections: Record<string, { documents: number; bytes: number }>;
  views: string[];
  /** Selected collections that were gone when the backup came to them. */
  missing: string[];
}

/** How long a server may be away before the step fails, and how often it may be in one collection. */
const patienceMs = 60_000;
const mostAttempts = 8;

/** Backs the item's selection up into an archive, which appears under its name whole or not at all. */
export async function backupDatabase(
  input: StepInputs["db-backup"],
  context: WorkerContext,
): Promise<DbBackupOutput> {
  try {
    return await withReleasers(async (release) => {
      const source = await connectSource(input.source, context);
      release(() => source.close());
      await makeFolder(dirname(input.archive));
      const archive = await createArchive(input.archive, input.compression);
      release(() => archive.discard());
      return await backUp(input, { source, archive, context });
    });
  } catch (error) {
    if (!context.signal.aborted) throw error;
    throw new MigrationError("E_INTERRUPTED", "The backup was stopped", {
      hint: "Start the migration again: the backup begins anew",
      cause: error,
    });
  }
}

interface Work {
  source: SourceDatabase;
  archive: ArchiveWriter;
  context: WorkerContext;
}

async function backUp(input: StepInputs["db-backup"], work: Work): Promise<DbBackupOutput> {
  const { source, archive, context } = work;
  const startedAt = isoTime(context);
  const { targets, missing } = await findTargets(source, input.selection);
  if (missing.length > 0) context.log.warn({ missing }, "Selected collections are gone");
  const progress = await makeBackupProgress(source, targets, context.report);
  const collections: ManifestCollection[] = [];
  for (const target of targets) {
    progress.begin(target.spec.name);
    collections.push(await insist(work, target, progress));
  }
  const description = {
    tool: { name: "migctl", version: programVersion },
    database: source.name,
    server: { version: source.facts.version },
    startedAt,
    finishedAt: isoTime(context),
    collections,
  };
  progress.begin("checking the archive");
  const written = await archive.finish(description, { signal: context.signal });
  return {
    archive: written.path,
    manifestSha256: written.manifestSha256,
    compressedBytes: written.bytes,
    ...summary(collections, missing),
  };
}

/** The selected collections in the selection's order, and those that do not exist any more. */
async function findTargets(source: SourceDatabase, path: string) {
  const specs = new Map((await source.collections()).map((spec) => [spec.name, spec]));
  const targets: BackupTarget[] = [];
  const missing: string[] = [];
  for (const selection of await readSelection(path)) {
    const spec = specs.get(selection.collection);
    if (spec === undefined) missing.push(selection.collection);
    else targets.push({ spec, selection });
  }
  return { targets, missing };
}

/**
 * Backs one collection up, anew when the server went away meanwhile: an entry cannot go on where
 * another cursor ended, because nothing says that the two saw the same documents.
 */
async function insist(
  { source, archive, context }: Work,
  target: BackupTarget,
  progress: BackupProgress,
): Promise<ManifestCollection> {
  const { clock, log, signal } = context;
  let lastBatch = clock.elapsed();
  const onBatch = (batch: RawBatch) => {
    lastBatch = clock.elapsed();
    progress.add(batch);
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return await backUpCollection(source, archive, target, { signal, onBatch });
    } catch (error) {
      const gone = error instanceof MigrationError && error.code === "E_UNAVAILABLE";
      const waited = clock.elapsed() - lastBatch;
      if (!gone || signal.aborted || attempt === mostAttempts || waited > patienceMs) throw error;
      log.warn({ collection: target.spec.name, attempt, err: error }, "Reading again");
    }
    progress.again();
    await sleep(Math.min(500 * 2 ** attempt, 10_000), undefined, { signal });
  }
}

function summary(collections: readonly ManifestCollection[], missing: string[]) {
  const counts: DbBackupOutput["collections"] = {};
  const total = { documents: 0, bytes: 0 };
  for (const { name, documents, bytes, entry } of collections) {
    if (entry === undefined) continue;
    counts[name] = { documents, bytes };
    total.documents += documents;
    total.bytes += bytes;
  }
  const views = collections.filter(({ type }) => type === "view").map(({ name }) => name);
  return { ...total, collections: counts, views, missing };
}

function isoTime({ clock }: WorkerContext): string {
  return new Date(clock.now()).toISOString();
}
