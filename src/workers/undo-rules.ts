import type { Origin } from "../core/ledger.ts";
import type { UndoTally } from "./undo-tally.ts";

/** One migration that is taken back, or looked at for that. */
export interface Undoing {
  /** All of its runs, the first one first. */
  runs: readonly string[];
  /** The folders of its restores, with what they overwrote. */
  restoreFolders: readonly string[];
  tally: UndoTally;
  /** Only then is anything written. */
  act: boolean;
}

interface Written {
  record: { run: string };
  origin: Origin;
}

/** Whether any of the runs wrote it. */
export function isOfRuns({ record, origin }: Written, { runs }: Undoing): boolean {
  return runs.includes(record.run) || (origin.run !== undefined && runs.includes(origin.run));
}

/** Why something of ours cannot be taken back; undefined where these runs alone wrote it. */
export function whyNotTaken({ record, origin }: Written, { runs }: Undoing): string | undefined {
  if (origin.run === undefined) {
    return "an older version wrote it, and did not record whether anything was there before";
  }
  if (!runs.includes(origin.run)) {
    return "another migration had brought it: it goes when that one is undone as well";
  }
  return runs.includes(record.run)
    ? undefined
    : "another migration has written it since: undo that one first";
}

/** The run of another migration that brought first what one of these runs has only updated. */
export function broughtBy({ record, origin }: Written, { runs }: Undoing): string | undefined {
  const isOnlyUpdated = runs.includes(record.run) && !runs.includes(origin.run ?? record.run);
  return isOnlyUpdated ? origin.run : undefined;
}
