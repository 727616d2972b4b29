import type { Count, Report } from "../core/progress.ts";
import type { BackupTarget } from "../mongo/archive/backup-collection.ts";
import type { RawBatch } from "../mongo/bson-walk.ts";
import type { SourceDatabase } from "../mongo/database.ts";
import { bucketsOf } from "../mongo/source-catalog.ts";

export interface BackupProgress {
  /** Of all documents, as the server's statistics have it. */
  readonly totalBytes: number;
  /** Names the collection, or the phase, that comes now. */
  begin(name: string): void;
  add(batch: RawBatch): void;
  /** The collection is read from its start again; the numbers shown stand still until then. */
  again(): void;
}

/** Counts documents and bytes against what the server says there is. */
export async function makeBackupProgress(
  source: SourceDatabase,
  targets: readonly BackupTarget[],
  report: Report,
): Promise<BackupProgress> {
  const totals = await sumOf(source, targets);
  const done = { documents: 0, bytes: 0 };
  const shown = { documents: 0, bytes: 0 };
  let started = { ...done };
  let phase = "";
  const tell = () =>
    report({
      phase,
      documents: against(shown.documents, totals.documents),
      bytes: against(shown.bytes, totals.bytes),
    });
  return {
    totalBytes: totals.bytes,
    begin(name) {
      phase = name;
      started = { ...done };
      tell();
    },
    add({ data, count }) {
      done.documents += count;
      done.bytes += data.length;
      shown.documents = Math.max(shown.documents, done.documents);
      shown.bytes = Math.max(shown.bytes, done.bytes);
      tell();
    },
    again() {
      Object.assign(done, started);
    },
  };
}

/** The statistics can lag behind: a total is never less than what is done. */
function against(done: number, total: number): Count {
  return { done, total: Math.max(done, total) };
}

/** For a part of a collection the bytes are its share of the documents. */
async function sumOf(source: SourceDatabase, targets: readonly BackupTarget[]) {
  const sum = { documents: 0, bytes: 0 };
  for (const { spec, selection } of targets) {
    if (spec.type === "view") continue;
    const name = spec.type === "timeseries" ? bucketsOf(spec.name) : spec.name;
    const size = await source.size(name);
    const documents =
      selection.filters.length === 0 ? size.documents : await source.count(selection);
    sum.documents += documents;
    sum.bytes += size.documents === 0 ? 0 : Math.round((size.bytes * documents) / size.documents);
  }
  return sum;
}
