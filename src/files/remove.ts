import { rmdirSync, unlinkSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { codeOf } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import type { Removal } from "./destination.ts";
import { type FileEntry, isRoot, safeRelativePath, sameState } from "./entry.ts";
import { type FolderChain, type Look, openFolderChain } from "./folder-chain.ts";

const removalsPerTurn = 256;

/**
 * Removes names below folders that are opened one by one and never through a symbolic link. Gives
 * for each why it was not removed, or undefined.
 */
export async function removeAll(
  root: string,
  removals: readonly Removal[],
): Promise<(string | undefined)[]> {
  const chain = openFolderChain(root);
  const reasons: (string | undefined)[] = [];
  try {
    for (const removal of removals) {
      reasons.push(removeOne(removal, chain));
      if (reasons.length % removalsPerTurn === 0) await setImmediate();
    }
    return reasons;
  } finally {
    chain.close();
  }
}

function removeOne(removal: Removal, chain: FolderChain): string | undefined {
  const look = chain.look(removal.path);
  if (look.state === "absent") return undefined;
  const reason = whyKept(removal, look);
  if (reason !== undefined) return reason;
  const place = chain.place(removal.path);
  if (place.state !== "here") return undefined;
  try {
    failpoint("remove.beforeFile");
    if (removal.type === "d") rmdirSync(place.location);
    else unlinkSync(place.location);
    failpoint("remove.afterFile");
    return undefined;
  } catch (error) {
    return notRemoved(codeOf(error));
  }
}

/** Why what is there is not to be removed; undefined for what still is as it was looked at. */
export function whyKept(removal: Removal, look: Look): string | undefined {
  if (isRoot(removal.path) || !safeRelativePath(removal.path)) return "it is not below the folder";
  if (look.state !== "here") return look.state === "blocked" ? look.reason : undefined;
  const there = look.entry;
  if (there.type !== removal.type) return `another type is there now (${there.type})`;
  if (removal.type === "d") return undefined;
  const isSame = (removal.ctimeNs ?? there.ctimeNs) === there.ctimeNs;
  return isSame && sameState(there, removal) ? undefined : "it was changed";
}

/** The removal of what was looked at, as it is there. */
export function removalOf({ path, type, size, mtimeNs, ctimeNs, nlink }: FileEntry): Removal {
  const isLinked = type !== "d" && nlink > 1;
  return { path, type, size, mtimeNs, ...(isLinked ? {} : { ctimeNs }) };
}

/** Of a system's error; a name that is gone meanwhile needs no removal. */
export function notRemoved(code: string | number | undefined): string | undefined {
  if (code === "ENOENT") return undefined;
  if (code === "ENOTEMPTY" || code === "EEXIST") return "it is not empty";
  return `it cannot be removed (${code})`;
}
