import { mkdir, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { failpoint } from "./failpoints.ts";

/**
 * Replaces a file so that after a power cut it holds either the old or the new content whole:
 * temporary file beside it, fsync, rename, fsync of the folder.
 */
export async function writeFileAtomic(path: string, content: string | Buffer, mode = 0o666) {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, "w", mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  failpoint("atomic.beforeRename");
  await rename(temporary, path);
  failpoint("atomic.afterRename");
  await syncFolder(dirname(path));
}

/** Makes the entries of a folder (new names, renames) durable. */
export async function syncFolder(path: string) {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Makes a folder and its parents, durably. */
export async function makeFolder(path: string, mode = 0o777) {
  const first = await mkdir(path, { recursive: true, mode });
  let made = path;
  while (first !== undefined && made.length > first.length) {
    await syncFolder(dirname(made));
    made = dirname(made);
  }
  await syncFolder(dirname(made));
}
