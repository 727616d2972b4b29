import type { Bandwidth } from "../core/bandwidth.ts";
import type { Clock } from "../core/clock.ts";
import type { Feed } from "../core/feed.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Logger } from "../core/log.ts";
import type { Profile } from "../core/profile.ts";
import type { Report } from "../core/progress.ts";
import type { FileDestination } from "../files/destination.ts";
import type { ArchivePiece } from "../mongo/archive/growing.ts";

/** What every worker gets beside its input. */
export interface WorkerContext {
  log: Logger;
  clock: Clock;
  /** Aborted when the run is to stop: finish the batch, write what is needed to go on, throw. */
  signal: AbortSignal;
  report: Report;
  /** Identifies the run in the ledger: the same for all attempts at one run, another for a re-run. */
  run: string;
  ledger: Ledger;
  /**
   * Asked right before each write at the destination: throws E_LOCKED once another process may work
   * there, which ends the run. The writing calls of `destination` ask by themselves.
   */
  guard(): Promise<void>;
  /** What a backup hands to the restore that goes on beside it. */
  archive?: Feed<ArchivePiece> | undefined;
  /** How much may be sent; as much as there is where this is not said. */
  bandwidth?: Bandwidth | undefined;
  /** Where it is told what is waited for, where somebody wants to know. */
  profile?: Profile | undefined;
  /** Milliseconds that a server may be away; each worker has its own where this is not said. */
  retryBudget?: number | undefined;
  /** Milliseconds that a server may take for one reply to a reader; ten minutes by default. */
  readMs?: number | undefined;
}

/** The guard of what has no lock to lose. */
export async function unguarded(): Promise<void> {}

/** What those that work on files get as well. */
export interface FilesContext extends WorkerContext {
  destination: FileDestination;
}
