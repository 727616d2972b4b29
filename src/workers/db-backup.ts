import { dirname } from "node:path";
import { makeFolder } from "../core/atomic-file.ts";
import { isUnavailable, MigrationError } from "../core/errors.ts";
import type { Profile } from "../core/profile.ts";
import { withReleasers } from "../core/releasers.ts";
import { type Retrying, retry } from "../core/retry.ts";
import { programVersion } from "../core/version.ts";
import {
  type BackupTarget,
  backUpCollection,
  type ManifestCollection,
} from "../mongo/archive/backup-collection.ts";
import { type ArchiveWriter, createArchive } from "../mongo/archive/create.ts";
import { connectSource } from "../mongo/connect.ts";
import type { SourceDatabase } from "../mongo/database.ts";
import { readSelection } from "../mongo/selection.ts";
import type { StepInputs } from "../plan/steps.ts";
import { requireArchiveRoom } from "./archive-room.ts";
import { makeBackupProgress } from "./backup-progress.ts";
import type { WorkerContext } from "./context.ts";
import { patiently } from "./patiently.ts";
import { profiled } from "./profiled.ts";
import { watchSource } from "./source-watch.ts";

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
  /** How often the source went away meanwhile, and was waited for. */
  retries: number;
  /** What was written to the source meanwhile, in words: empty where nobody wrote. */
  sourceChanges: string[];
}

/** How long a source may be away before the step fails. */
const defaultBudget = 60_000;

/** Backs the item's selection up into an archive, which appears under its name whole or not at all. */
export async function backupDatabase(
  input: StepInputs["db-backup"],
  context: WorkerContext,
): Promise<DbBackupOutput> {
  try {
    return await withReleasers(async (release) => {
      const { profile } = context;
      const source = await patiently(context, () => connectSource(input.source, context));
      release(() => source.close());
      await makeFolder(dirname(input.archive));
      const archive = await createArchive(input.archive, input.compression);
      release(() => archive.discard());
      return await backUp(input, {
        source: profiled(source, { what: "sourceDatabase", profile }),
        archive: profiledArchive(archive, profile),
        context,
      });
    });
  } catch (error) {
    context.archive?.fail(error);
    if (!context.signal.aborted) throw error;
    throw new MigrationError("E_INTERRUPTED", "The backup was stopped", {
      hint: "Start the migration again: the backup begins anew",
      cause: error,
    });
  }
}

/** Also what is written to an entry. */
function profiledArchive(archive: ArchiveWriter, profile: Profile | undefined): ArchiveWriter {
  if (profile === undefined) return archive;
  const watching = { what: "archive" as const, profile };
  const begin = (name: string) => profiled(archive.begin(name), watching);
  return profiled({ ...archive, begin }, watching);
}

interface Work {
  source: SourceDatabase;
  archive: ArchiveWriter;
  context: WorkerContext;
}

async function backUp(input: StepInputs["db-backup"], work: Work): Promise<DbBackupOutput> {
  const { source, archive, context } = work;
  const startedAt = isoTime(context);
  const { retrying, counter } = countRetries(context);
  const prepared = await retry(retrying, () => prepare(input, work));
  const { targets, missing, progress, sourceChanges } = prepared;
  const collections: ManifestCollection[] = [];
  const handed = context.archive;
  const { temporary } = archive;
  const { name: database } = source;
  handed?.push({ what: "begun", path: input.archive, temporary, database });
  for (const target of targets) {
    progress.begin(target.spec.name);
    const options = { retrying, onBatch: progress.add, onAgain: progress.again };
    const collection = await backUpCollection(source, archive, target, options);
    collections.push(collection);
    const entry = collection.entry && archive.written(collection.entry);
    handed?.push({ what: "collection", collection, ...(entry && { entry }) });
  }
  const description = {
    tool: { name: "migctl", version: programVersion },
    database: source.name,
    server: { version: source.facts.version },
    startedAt,
    finishedAt: isoTime(context),
    collections,
  };
  const changes = await sourceChanges();
  progress.begin("checking the archive");
  const written = await archive.finish(description, { signal: context.signal });
  handed?.push({ what: "sealed", fingerprint: written.fingerprint });
  handed?.end();
  return {
    archive: written.path,
    manifestSha256: written.manifestSha256,
    compressedBytes: written.bytes,
    ...summary(collections, missing),
    retries: counter.retries,
    sourceChanges: changes,
  };
}

/** What is done in front of the first document, wholly again where the source goes away. */
async function prepare(input: StepInputs["db-backup"], { source, context }: Work) {
  const { targets, missing } = await findTargets(source, input.selection);
  if (missing.length > 0) context.log.warn({ missing }, "Selected collections are gone");
  const progress = await makeBackupProgress(source, targets, context.report);
  requireArchiveRoom(input, progress.totalBytes, context.log);
  const names = targets.map(({ spec }) => spec.name);
  const sourceChanges = await watchSource(input.source, names, context);
  return { targets, missing, progress, sourceChanges };
}

function countRetries({ clock, signal, log, retryBudget: budget = defaultBudget }: WorkerContext) {
  const counter = { retries: 0 };
  const retrying: Retrying = {
    ...{ clock, signal, budget, mayPass: isUnavailable },
    onRetry(err) {
      counter.retries++;
      log.warn({ err }, "The source is away, trying again");
    },
  };
  return { retrying, counter };
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
