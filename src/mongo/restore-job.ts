import type { DocumentLedger } from "../core/ledger.ts";
import type { DecisionRules } from "./compare-document.ts";
import type { DestinationDatabase } from "./database.ts";
import type { Candidate } from "./restore-candidate.ts";
import type { RetryOptions } from "./restore-retry.ts";
import type { UniqueIndex } from "./restore-unique.ts";

/** How the bulk load went: what shows that it narrows down and comes back. */
export interface RestoreCounters {
  /** Inserts of more than one document. */
  bulkInserts: number;
  /** Batches that were looked up at the destination first. */
  comparedBatches: number;
  /** Inserts that failed as a whole and were cut in two. */
  bisections: number;
  /** Documents that were sent alone while narrowing down. */
  singleDocuments: number;
  /** Bulk inserts that worked again after a narrowing down. */
  returnsToBulk: number;
  replacements: number;
  retries: number;
}

export function noCounters(): RestoreCounters {
  return {
    bulkInserts: 0,
    comparedBatches: 0,
    bisections: 0,
    singleDocuments: 0,
    returnsToBulk: 0,
    replacements: 0,
    retries: 0,
  };
}

/** What the work on the batches of one collection shares. */
export interface RestoreJob {
  collection: string;
  destination: DestinationDatabase;
  ledger: DocumentLedger;
  rules: DecisionRules;
  retry: RetryOptions;
  /** Asked before each write: throws where somebody else may write there by now. */
  guard(): Promise<void>;
  counters: RestoreCounters;
  /** Whether the last insert was of a single document, while narrowing down. */
  narrowed: boolean;
  /** The unique indexes, once they were asked for. */
  uniqueIndexes?: UniqueIndex[];
  /** Keeps what is about to be overwritten; durable when it returns. */
  saveBefore(entries: readonly BeforeImage[]): Promise<void>;
  /** Whether `saveBefore` was called for it, in an earlier attempt perhaps. */
  isOverwritten(candidate: Candidate): boolean;
}

export interface BeforeImage {
  candidate: Candidate;
  /** The document as it is at the destination. */
  bytes: Buffer;
}
