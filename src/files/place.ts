import { chmodSync, lstatSync, renameSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { codeOf, MigrationError } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import { isFull } from "../core/no-space.ts";
import type { Placement, Placing } from "./destination.ts";
import { sameState } from "./entry.ts";
import { entryAt, type FolderChain, openFolderChain } from "./folder-chain.ts";
import { inheritedMode } from "./ownership.ts";

const movesPerTurn = 256;

/**
 * Moves what was unpacked to its final names, below folders that are opened one by one and never
 * through a symbolic link. Gives for each file why it was not moved, or undefined.
 */
export async function placeFiles(
  folders: { staging: string; root: string },
  files: readonly Placement[],
  how: Placing,
): Promise<(string | undefined)[]> {
  const from = openFolderChain(folders.staging);
  const to = openFolderChain(folders.root);
  const reasons: (string | undefined)[] = [];
  try {
    for (const file of files) {
      reasons.push(placeOne(file, { from, to, how }));
      if (reasons.length % movesPerTurn === 0) await setImmediate();
    }
    return reasons;
  } finally {
    from.close();
    to.close();
  }
}

interface Move {
  from: FolderChain;
  to: FolderChain;
  how: Placing;
}

function placeOne(file: Placement, { from, to, how }: Move): string | undefined {
  const staged = from.place(file.path);
  const final = to.place(file.path);
  if (final.state === "absent") return "the folder for it is not there";
  if (final.state === "blocked") return final.reason;
  try {
    if (staged.state !== "here") return notStaged(file, final.location);
    if (!how.isWhole && !isUnpacked(file, staged.location)) return "tar could not copy it whole";
    if (how.ownership === "inherit") openToGroup(file, staged.location);
    failpoint("place.beforeMove");
    renameSync(staged.location, final.location);
    failpoint("place.afterMove");
    return undefined;
  } catch (error) {
    if (isFull(error)) {
      throw new MigrationError("E_NO_SPACE", "The destination's volume is full", { cause: error });
    }
    const code = codeOf(error);
    return code === "ENOENT"
      ? notStaged(file, final.location)
      : `it cannot be put in place (${code})`;
  }
}

/** An earlier call may have moved it, whose answer was lost. */
function notStaged(file: Placement, final: Buffer): string | undefined {
  const there = entryAt(final, file.path);
  const isMoved = there !== undefined && there.type === file.type && sameState(file, there);
  return isMoved ? undefined : "tar could not read it";
}

/** tar sets the time last: what it could not finish bears another one. */
function isUnpacked(file: Placement, location: Buffer): boolean {
  const staged = file.type === "f" ? entryAt(location, file.path) : undefined;
  // What is not there at all is told by the move.
  return staged === undefined || sameState(file, staged);
}

function openToGroup(file: Placement, location: Buffer) {
  if (lstatSync(location).isFile()) chmodSync(location, inheritedMode(file.mode, "f"));
}
