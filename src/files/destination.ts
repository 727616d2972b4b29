import type { Duplex } from "node:stream";
import type { LockPlace } from "../core/lock-place.ts";
import type { FileType } from "./entry.ts";
import type { FileTree } from "./local-tree.ts";
import type { Ownership, Powers } from "./ownership.ts";
import type { RsyncFeatures } from "./rsync-features.ts";
import type { Space } from "./space.ts";

/** A program at the destination that reads what it is sent. */
export interface Receiving {
  /** Its standard input and output: read it to its end, or destroy it. */
  stream: Duplex;
  /**
   * How it ended, 128 and the signal's number where a signal ended it. Rejects with E_UNAVAILABLE
   * and the reason where the connection to it broke.
   */
  ended: Promise<{ exitCode: number; stderr: string }>;
}

/** One staged file and what it is to be at its final name. */
export interface Placement {
  path: Buffer;
  type: "f" | "l" | "p" | "s" | "c" | "b";
  size: number;
  mtimeNs: bigint;
  mode: number;
}

/** Unpacking by tar into the staging folder, then each file to its final name. */
export interface Placing {
  ownership: Ownership;
  /** tar unpacked everything that it was given; otherwise each file is looked at. */
  isWhole: boolean;
}

/** A folder as it is to be; what is absent stays as it is. */
export interface FolderPlacement {
  path: Buffer;
  mode: number;
  owner?: { uid: number; gid: number };
  mtimeNs?: bigint;
}

/** A name that is to go, with the state that it must still have; of a folder only that it is one. */
export interface Removal {
  path: Buffer;
  type: FileType;
  size: number;
  mtimeNs: bigint;
  /** Absent for one of several names of a file: the removal of another one changes it. */
  ctimeNs?: bigint;
}

/**
 * The destination's folder, wherever it is. Paths are relative to its root; nothing is ever
 * reached through a symbolic link. Methods take many paths at once, as each may cross a network.
 * Where the destination cannot be reached they throw E_UNAVAILABLE, and may be called again: each
 * is such that doing it twice does no harm. `temporary` is one name right below the root.
 */
export interface FileDestination extends FileTree {
  /** The root as messages name it. */
  readonly label: string;
  /**
   * The root's real path there. Throws E_FOLDER or E_PERMISSION where it is no folder, or cannot
   * be written to.
   */
  check(): Promise<{ dir: string }>;
  powers(): Promise<Powers>;
  /** What the rsync there can do; throws E_PROGRAM where there is none. */
  rsyncFeatures(signal: AbortSignal): Promise<RsyncFeatures>;
  space(): Promise<Space>;
  /** Names right below the root. */
  names(): Promise<string[]>;

  /**
   * Makes the folder of this run for unfinished things, with `unfinished`, `staging` and
   * `partial` in it; the first two of an earlier run are emptied. One volume with the root. What a
   * broken connection left working in them has ended when it returns.
   */
  makeTemporary(temporary: string): Promise<void>;
  removeTemporary(temporary: string): Promise<void>;
  /** How a local rsync gets to the destination; valid for one run of it. */
  rsync(temporary: string): Promise<RsyncRoute>;
  /** Starts tar, which unpacks into the staging folder; an abort ends it. */
  unpack(
    temporary: string,
    options: { ownership: Ownership; signal: AbortSignal },
  ): Promise<Receiving>;
  /**
   * Moves staged files to their final names; for each why it was not, or undefined. Throws
   * E_NO_SPACE on a full volume.
   */
  place(
    temporary: string,
    files: readonly Placement[],
    how: Placing,
  ): Promise<(string | undefined)[]>;
  /**
   * Makes folders, or gives those that are there other attributes; for each why it was not done, or
   * undefined. Only where a destination can do without rsync; extended attributes need that.
   */
  placeFolders?(folders: readonly FolderPlacement[]): Promise<(string | undefined)[]>;
  /** Makes all that was written durable. */
  sync(): Promise<void>;
  /**
   * Removes names in their order, a folder only when it is empty; for each why it was not removed,
   * or undefined, as for a name that is gone already.
   */
  remove(removals: readonly Removal[]): Promise<(string | undefined)[]>;
  /** Kept in a folder below the root that is there only while somebody writes. */
  readonly locks: LockPlace;
  /** Removes a path below the root and what is below it; false where there was none. */
  clear(path: string): Promise<boolean>;
}

/** How a local rsync reaches the destination: absolute paths, as the receiving rsync sees them. */
export interface RsyncRoute {
  root: string;
  /** Folders for what is not finished. */
  unfinished: string;
  partial: string;
  /**
   * Where the destination is remote: starts the receiving rsync there with exactly these
   * arguments (`--server` and its flags; all else follows in the stream). An abort ends it. Where
   * there is much to send, a way of its own may be worth its making.
   */
  connect?: (args: readonly string[], signal: AbortSignal, isMuch: boolean) => Promise<Receiving>;
}
