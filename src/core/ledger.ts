/**
 * What this tool has written between one source and one destination, shared by all runs.
 * A record is made before the data is written (an intent), so that after a crash the destination
 * can be told apart: as intended (ours), as before (not written yet), or neither (somebody else).
 */
export interface Ledger {
  documents: DocumentRecords;
  files: FileLedger;
  completions: Completions;
  /** The same ledger, whose new records bear this scope: "server", "user:jane". */
  inScope(scope: string): Ledger;
}

/** How something of ours came to be at the destination; unknown in what an older version wrote. */
export interface Origin {
  /** The run that brought it first, however often it was updated since. */
  run?: string;
  /** The scope of the item that wrote it last. */
  scope?: string;
  /** It took the place of what somebody else had there. */
  overwrote: boolean;
}

export interface DocumentRecord {
  /** SHA-256 of the document's bytes as we wrote, or are about to write, them. */
  hash: Buffer;
  /** The hash that we had written before this record's, when this record replaces one. */
  previous?: Buffer;
  /** The run that wrote it. */
  run: string;
}

interface NewDocument {
  id: Buffer;
  hash: Buffer;
}

interface DocumentIntent extends NewDocument {
  /** The hash of what the destination holds now, for an id that it holds. Needed wherever a record
   * exists: only this tells whether that record's own write was ever done. */
  destination?: Buffer;
  /** What the destination holds now is somebody else's. */
  overwrites?: boolean;
}

export interface KnownDocument {
  record: DocumentRecord;
  origin: Origin;
}

export interface DocumentLedger {
  /**
   * To be awaited in front of lookups: puts what `intendNew` only gathered into its place, letting
   * others run meanwhile. A lookup without it does so at once, which takes seconds for millions.
   */
  prepareLookups(): Promise<void>;
  /** The records of `ids` in their order. An id is the `_id` element's type byte and value bytes. */
  get(collection: string, ids: readonly Buffer[]): (DocumentRecord | undefined)[];
  /**
   * Records what is about to be written, in one transaction. `previous` becomes what `destination`
   * says, if that is a hash of the older record; without it, the older record's hash if it differs.
   */
  intend(collection: string, run: string, entries: readonly DocumentIntent[]): void;
  /**
   * Records what is about to be written under ids that the destination does not hold, in one
   * transaction: an older record is of a document that is gone, and ends.
   */
  intendNew(collection: string, run: string, entries: readonly NewDocument[]): void;
  /** Takes records back whose documents the server did not accept. */
  forget(collection: string, ids: readonly Buffer[]): void;
  /** Takes intents back that replaced a record: it holds this hash of this run again. */
  revert(collection: string, run: string, entries: readonly NewDocument[]): void;
}

export interface DocumentRecords extends DocumentLedger {
  /** As `get`, and where each came from. */
  known(collection: string, ids: readonly Buffer[]): (KnownDocument | undefined)[];
  /** Every collection that has, or once had, a record. */
  collections(): string[];
}

/** A file as the ledger knows it; times are nanoseconds since 1970. */
export interface FileRecord {
  type: string;
  size: number;
  mtimeNs: bigint;
  mode: number;
  uid: number;
  gid: number;
  /** Change time of the source file when it was read, of the destination file when it was confirmed:
   * finds changes that keep size and modification time. */
  sourceCtimeNs: bigint;
  destinationCtimeNs: bigint;
  /** SHA-256 of the content, once it was read back. */
  hash?: Buffer;
  /** False for a file that was there before us with the same bytes. */
  ours: boolean;
  run: string;
  /** `intended` before the copy; `written` once the destination was looked at after the copy. */
  state: "intended" | "written";
  /** What was at the destination as ours when the intent was made. */
  previous?: { size: number; mtimeNs: bigint; destinationCtimeNs: bigint };
}

/** What an intent says of a file beside what is to be there. */
export interface FileIntent {
  /** What is at the destination is somebody else's. */
  overwrites?: boolean;
  /** The source has it on another volume than its root. */
  otherVolume?: boolean;
}

export interface KnownFile {
  path: Buffer;
  record: FileRecord;
  origin: Origin;
  otherVolume: boolean;
}

export interface FileLedger {
  /** The record of a path (bytes, relative to the root, no leading slash; "." is the root). */
  get(path: Buffer): FileRecord | undefined;
  /** The records of many paths, in their order. */
  getAll(paths: readonly Buffer[]): (FileRecord | undefined)[];
  /** Writes many records in one transaction. */
  put(entries: Iterable<{ path: Buffer; record: FileRecord; intent?: FileIntent }>): void;
  /** Keeps what was read back of files that bear this change time in their records; leaves others. */
  keepHashes(read: Iterable<{ path: Buffer; destinationCtimeNs: bigint; hash: Buffer }>): void;
  forget(paths: Iterable<Buffer>): void;
  /** All records, the last path first: what is in a folder comes before it. They may be forgotten
   * between the pages. */
  pages(): Generator<KnownFile[]>;
}

/** Which parts of which scopes were brought over whole, and verified. */
export interface Completions {
  record(part: "files" | "documents", scope: string, run: string, at: number): void;
  /** The scopes recorded for a part: "server", "user:jane", "project-group:id". */
  list(part: "files" | "documents"): { scope: string; run: string; at: number }[];
  /** Takes back what these runs completed. */
  forget(runs: readonly string[]): void;
}
