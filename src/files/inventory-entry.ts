import type { Verdict } from "../core/verdict.ts";
import type { FileEntry, FileType } from "./entry.ts";

export type Via = "rsync" | "tar";

/** `data` is to be carried; `refresh` is there already and only its attributes or links are set. */
const sendings = ["no", "data", "refresh"] as const;
export type Sending = (typeof sendings)[number];

/** What was at the destination when it was compared. */
interface Before {
  type: FileType;
  size: number;
  mtimeNs: bigint;
  ctimeNs: bigint;
}

export interface Selected {
  via: Via;
  /** Belongs to a document's path; what does not never replaces a destination file. */
  owned: boolean;
  /** Only the way to what was selected. */
  parent: boolean;
}

/** What the comparison decided about an entry, and what came of it. */
export interface Outcome {
  verdict: Verdict | undefined;
  reason: string | undefined;
  send: Sending;
  /** Size and time are equal on both sides although the content is not: only `--ignore-times` helps. */
  force: boolean;
  /** Written by this tool, now or earlier. */
  ours: boolean;
  /** The destination's attributes differ and are kept. */
  attributesDiffer: boolean;
  before: Before | undefined;
  /** It was sent, looked at and recorded in the ledger. */
  done: boolean;
  /** It was verified. */
  verified: boolean;
}

export type InventoryEntry = FileEntry & Selected & Outcome;

export interface EntryFilter {
  send?: Sending | "any";
  verdicts?: readonly Verdict[];
  type?: FileType;
  via?: Via;
  /** Only what is not done, or only what is. */
  pending?: boolean;
  verified?: boolean;
}
