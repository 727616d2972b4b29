import { readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { syncFolder } from "../core/atomic-file.ts";
import { MigrationError } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import { syncFileSystem } from "../core/syncfs.ts";
import { checkFolder } from "./check-folder.ts";
import type { FileDestination } from "./destination.ts";
import { isRoot, safeRelativePath } from "./entry.ts";
import { makeHasher } from "./hash.ts";
import { type LocalTree, openLocalTree } from "./local-tree.ts";
import { lockFolder } from "./lock-folder.ts";
import { readPowers } from "./ownership.ts";
import { placeFiles } from "./place.ts";
import { startReceiving } from "./receiving.ts";
import { removeAll } from "./remove.ts";
import { rsyncFeatures } from "./rsync-features.ts";
import { freeSpace } from "./space.ts";
import { extractArguments } from "./tar.ts";
import { makeTemporaryFolder, removeTree, temporaryFolder } from "./temporary-folder.ts";

/** It hashes many files at once as cheaply as can be. */
export type LocalDestination = FileDestination & Pick<LocalTree, "hashAll">;

/**
 * A folder on this machine as the destination. It keeps nothing open between the calls, so that it
 * may be opened before the folder is there, and never works on one that was replaced.
 */
export function openLocalDestination(folder: string): LocalDestination {
  const root = resolve(folder);
  const hashFile = makeHasher();
  const within = (temporary: string, part: string) => join(temporaryFolder(root, temporary), part);
  return {
    label: root,
    check: async () => ({ dir: await checkFolder(root, "destination") }),
    powers: async () => readPowers(),
    rsyncFeatures,
    space: () => freeSpace(root),
    names: () => readdir(root),
    look: (paths) => once((tree) => tree.look(paths)),
    hash: (path, options) => once((tree) => tree.hash(path, options)),
    hashAll: (paths, signal) => once((tree) => tree.hashAll(paths, signal)),
    makeTemporary: (temporary) => makeTemporaryFolder(root, temporary),
    removeTemporary: async (temporary) => removeTree(temporaryFolder(root, temporary)),
    rsync: async (temporary) => ({
      root,
      unfinished: within(temporary, "unfinished"),
      partial: within(temporary, "partial"),
    }),
    unpack: async (temporary, { ownership, signal }) => {
      const into = within(temporary, "staging");
      return startReceiving("tar", extractArguments(into, ownership), signal);
    },
    place: async (temporary, files, how) =>
      placeFiles({ staging: within(temporary, "staging"), root }, files, how),
    locks: lockFolder(root),
    sync: () => syncFileSystem(root),
    remove: (removals) => removeAll(root, removals),
    clear: (path) => clearPath(root, path),
    close: () => undefined,
  };

  async function once<T>(work: (tree: ReturnType<typeof openLocalTree>) => Promise<T>): Promise<T> {
    const tree = openLocalTree(root, hashFile);
    try {
      return await work(tree);
    } finally {
      tree.close();
    }
  }
}

/** Removes one path below the root, never by way of a symbolic link; false when it is not there. */
async function clearPath(root: string, path: string): Promise<boolean> {
  const bytes = Buffer.from(path);
  if (isRoot(bytes) || !safeRelativePath(bytes)) {
    throw new MigrationError("E_REFUSED", `"${path}" is not below the destination's folder`);
  }
  const tree = openLocalTree(root);
  try {
    const [look] = await tree.look([bytes]);
    if (look?.state !== "here") return false;
  } finally {
    tree.close();
  }
  failpoint("after.beforeClear");
  await rm(join(root, path), { recursive: true, force: true });
  await syncFolder(root);
  failpoint("after.afterClear");
  return true;
}
