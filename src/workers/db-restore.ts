import { MigrationError } from "../core/errors.ts";
import { throttleReports } from "../core/progress.ts";
import { withReleasers } from "../core/releasers.ts";
import type { VerdictCounts } from "../core/verdict.ts";
import { openGrowingArchive } from "../mongo/archive/growing.ts";
import { openArchive } from "../mongo/archive/open.ts";
import { connectDestination } from "../mongo/connect-destination.ts";
import type { DestinationDatabase } from "../mongo/database.ts";
import { type RestoreResult, restoreAll } from "../mongo/restore.ts";
import { restoreSourceOf } from "../mongo/restore-archive.ts";
import { predictRestore } from "../mongo/restore-predict.ts";
import { dataCollection, type RestoreSource } from "../mongo/restore-source.ts";
import { stoppable } from "../mongo/restore-stop.ts";
import type { StepInputs } from "../plan/steps.ts";
import type { WorkerContext } from "./context.ts";
import { patiently } from "./patiently.ts";
import { profiled } from "./profiled.ts";

type Input = StepInputs["db-restore"];

const reportMs = 250;
const depth = "batchesInFlight";

export interface DatabaseRestored extends RestoreResult {
  /** Present where the backup went on meanwhile: each collection was checked alone before it. */
  overlapped?: true;
  /** By collection. */
  verdicts: Record<string, VerdictCounts>;
}

/**
 * Restores an item's archive: checks all of it before the first write, and under the policy `fail`
 * compares all of it as well. Of an archive that is still made each collection is checked alone.
 */
export async function restoreDatabase(
  input: Input,
  context: WorkerContext,
): Promise<DatabaseRestored> {
  const { log, signal, clock, profile } = context;
  const reports = throttleReports(context.report, reportMs, clock.elapsed);
  return withReleasers(async (release) => {
    const source = await openSource(input, { ...context, report: reports.push });
    release(() => source.close());
    const destination = await patiently(context, () =>
      connectDestination(input.destination, { signal, log }),
    );
    release(() => destination.close());
    if (input.onConflict === "fail") await refuseConflicts(source, { input, context, destination });
    const read = profiled(source, { what: "archive", profile, only: ["read"] });
    const result = await restoreAll(read, {
      destination: profiled(destination, { what: "destinationDatabase", profile, depth }),
      ledger: context.ledger.documents,
      run: context.run,
      out: input.out,
      policy: input.onConflict,
      rewrite: input.rewrite,
      newestBy: input.newestBy,
      clock,
      signal,
      retryBudget: context.retryBudget,
      guard: context.guard,
      onProgress: ({ collection, documents, bytes }) =>
        reports.push({
          phase: collection,
          documents: { done: documents, ...totalOf(source, "documents") },
          bytes: { done: bytes, ...totalOf(source, "bytes") },
        }),
    });
    reports.flush();
    log.info({ counters: result.counters }, "Restored the archive");
    const verdicts = Object.fromEntries(
      result.collections.map(({ name, verdicts: counts }) => [name, counts]),
    );
    return { ...result, verdicts, ...(context.archive && { overlapped: true as const }) };
  });
}

type ClosedSource = RestoreSource & { close(): Promise<void> };

async function openSource(input: Input, context: WorkerContext): Promise<ClosedSource> {
  const { signal, report } = context;
  const growing = context.archive;
  if (growing !== undefined) {
    return stoppable(signal, () => openGrowingArchive(growing.values(signal), { signal }));
  }
  const archive = await openArchive(input.archive, { allowForeign: input.foreign ?? false });
  try {
    await stoppable(signal, () => archive.check({ signal, report }));
  } catch (error) {
    await archive.close();
    throw error;
  }
  return { ...restoreSourceOf(archive), close: () => archive.close() };
}

/** While the archive is made nobody knows yet how much it will hold. */
function totalOf({ collections, arriving }: RestoreSource, field: "documents" | "bytes") {
  if (arriving !== undefined) return {};
  return { total: collections.reduce((sum, collection) => sum + collection[field], 0) };
}

interface Sides {
  input: Input;
  context: WorkerContext;
  destination: DestinationDatabase;
}

/** Nothing may be written as long as there is a single conflict. */
async function refuseConflicts(source: RestoreSource, { input, context, destination }: Sides) {
  let count = 0;
  const examples: unknown[] = [];
  for (const collection of source.collections) {
    const { name } = collection.spec;
    const prediction = await stoppable(context.signal, () =>
      predictRestore({
        collection: dataCollection(collection),
        batches: source.read(collection),
        destination,
        ledger: context.ledger.documents,
        rules: { policy: input.onConflict, newestBy: input.newestBy[name], run: context.run },
        rewrite: input.rewrite[name] ?? [],
        signal: context.signal,
      }),
    );
    count += prediction.verdicts.conflict;
    examples.push(...prediction.examples.map((example) => ({ collection: name, ...example })));
  }
  if (count === 0) return;
  throw new MigrationError(
    "E_CONFLICT",
    `${count} documents are at the destination with other content, or clash with it; nothing was written`,
    {
      hint: "Choose another --on-conflict, or remove them at the destination",
      fields: { conflicts: count, examples: examples.slice(0, 10) },
    },
  );
}
