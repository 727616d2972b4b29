import { join } from "node:path";
import { hasCode, MigrationError } from "../core/errors.ts";
import { type JournalContent, readJournal } from "./journal.ts";
import { readSnapshots, type Snapshots } from "./snapshot.ts";
import type { ItemStatus, Status, StepStatus } from "./status.ts";

export interface Recovered {
  status: Status | undefined;
  journal: JournalContent | undefined;
}

export function journalPath(folder: string): string {
  return join(folder, "events.ndjson");
}

/**
 * The newest status of a migration's folder, for going on from it: the journal's, or the
 * snapshot's where the journal is lost or behind. Nothing at all gives undefined; something of
 * which nothing can be used throws `E_INTEGRITY`, so that no run starts from scratch unnoticed.
 */
export async function recover(folder: string): Promise<Recovered> {
  const snapshots = await readSnapshots(folder);
  const journal = await readJournal(journalPath(folder));
  const status = newest(snapshots.status, journal?.status);
  if (status === undefined && (snapshots.exist || journal)) throw nothingUsable(folder);
  return { status, journal };
}

/** The status of a migration, for showing it; throws `E_NO_MIGRATION` when there is none. */
export async function readStatus(folder: string): Promise<Status> {
  const snapshots = await readSnapshots(folder);
  const status = newest(snapshots.status, await journalStatus(folder, snapshots));
  if (status !== undefined) return status;
  if (snapshots.exist) throw nothingUsable(folder);
  throw new MigrationError("E_NO_MIGRATION", `There is no migration in "${folder}"`, {
    hint: "Check the name of the deployment and the folder",
  });
}

/** All runs of a migration, the first one first; throws `E_NO_MIGRATION` when there is none. */
export async function readRuns(folder: string): Promise<string[]> {
  const { run } = await readStatus(folder);
  const journal = await readJournal(journalPath(folder));
  return [...new Set([...(journal?.runs ?? []), run])];
}

/** As `readStatus`; undefined while there is none, or while it is being replaced. */
export async function readStatusIfAny(folder: string): Promise<Status | undefined> {
  try {
    return await readStatus(folder);
  } catch (error) {
    if (error instanceof MigrationError) return undefined;
    throw error;
  }
}

/** A damaged journal does not keep a good snapshot from being shown; going on from it would. */
async function journalStatus(folder: string, snapshots: Snapshots): Promise<Status | undefined> {
  try {
    const journal = await readJournal(journalPath(folder));
    if (journal && journal.status === undefined && !snapshots.exist) throw nothingUsable(folder);
    return journal?.status;
  } catch (error) {
    if (snapshots.status === undefined || !isDamage(error)) throw error;
    return undefined;
  }
}

function isDamage(error: unknown): boolean {
  return hasCode(error, "E_INTEGRITY");
}

/** The journal is checked line by line, so it wins a tie; only the snapshot knows the moment. */
function newest(snapshot: Status | undefined, journal: Status | undefined): Status | undefined {
  if (snapshot === undefined || journal === undefined) return journal ?? snapshot;
  if (snapshot.seq > journal.seq) return snapshot;
  return snapshot.seq === journal.seq ? withMomentOf(journal, snapshot) : journal;
}

/** The progress of what runs, what is waited for, and how much may be sent: none is journalled. */
function withMomentOf(status: Status, snapshot: Status): Status {
  const { items: others, updatedAt, waiting, bandwidthLimit } = snapshot;
  const items = status.items.map((item, index) => mergeItem(item, others[index]));
  return {
    ...status,
    updatedAt: Math.max(status.updatedAt, updatedAt),
    ...(waiting === undefined ? {} : { waiting }),
    ...(bandwidthLimit === undefined ? {} : { bandwidthLimit }),
    items,
  };
}

function mergeItem(item: ItemStatus, other: ItemStatus | undefined): ItemStatus {
  return { ...item, steps: item.steps.map((step, index) => mergeStep(step, other?.steps[index])) };
}

function mergeStep(step: StepStatus, other: StepStatus | undefined): StepStatus {
  if (step.state !== "running" || other?.progress === undefined) return step;
  return { ...step, progress: other.progress };
}

function nothingUsable(folder: string): MigrationError {
  return new MigrationError(
    "E_INTEGRITY",
    `Nothing in "${folder}" tells how far the migration is`,
    {
      hint: "Restore status.json or events.ndjson from a backup of the volume, or move the folder away to begin anew",
      fields: { folder },
    },
  );
}
