import type { FileRecord } from "../core/ledger.ts";
import type { ConflictPolicy, Verdict } from "../core/verdict.ts";
import type { FileEntry } from "../files/entry.ts";
import type { Look } from "../files/folder-chain.ts";
import type { InventoryEntry, Outcome } from "../files/inventory-entry.ts";
import type { Owners } from "../files/ownership.ts";

/** Everything that is known about one entry before anything is written. */
export interface Case {
  entry: InventoryEntry;
  look: Look;
  record: FileRecord | undefined;
  /** Of both sides, once they were asked for. */
  hashes?: { source: Buffer; destination: Buffer };
}

export interface Rules extends Owners {
  run: string;
  onConflict: ConflictPolicy;
  /** Device nodes can be made here. */
  devices: boolean;
  /** The destination root holds nothing of anybody: it becomes ours. */
  rootIsFree: boolean;
}

export interface Decision extends Outcome {
  /** Keep a record of what is there, so that the next comparison need not read it again. */
  remember: boolean;
}

/** What is brought, and is ours from then on. */
export function sent(verdict: Verdict, before: FileEntry | undefined): Decision {
  return outcome({ verdict, before, send: "data", ours: true });
}

/** A decision that nothing is written, but for what is given. */
export function outcome(given: Partial<Decision> & { verdict: Verdict }): Decision {
  return {
    reason: undefined,
    send: "no",
    force: false,
    ours: false,
    attributesDiffer: false,
    before: undefined,
    done: false,
    verified: false,
    remember: false,
    ...given,
  };
}
