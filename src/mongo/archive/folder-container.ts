import { constants } from "node:fs";
import { type FileHandle, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Container, ContainerEntry } from "./container.ts";
import { damaged } from "./damage.ts";
import { readRange } from "./read-range.ts";

/**
 * Opens a folder that mongodump made: the one given to `--out`, or one database's in it. Files stay
 * open, so that what is restored is what was checked.
 */
export async function openFolder(path: string): Promise<Container> {
  const files = new Map<string, FileHandle>();
  const entries = new Map<string, ContainerEntry>();
  const close = async () => {
    for (const file of files.values()) await file.close();
  };
  try {
    for (const name of await listFiles(path)) {
      const file = await open(join(path, name), constants.O_RDONLY | constants.O_NOFOLLOW);
      files.set(name, file);
      entries.set(name, { name, size: (await file.stat()).size });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { path, entries, read: (name) => readFile(path, name, files.get(name)), close };
}

/** Two levels at most: databases and their files. */
async function listFiles(path: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isSymbolicLink()) throw damaged(path, `"${entry.name}" is a symbolic link`);
    if (entry.isFile()) names.push(entry.name);
    if (!entry.isDirectory()) continue;
    for (const inner of await readdir(join(path, entry.name), { withFileTypes: true })) {
      const name = `${entry.name}/${inner.name}`;
      if (!inner.isFile()) throw damaged(path, `"${name}" is not a plain file`);
      names.push(name);
    }
  }
  return names.sort();
}

async function* readFile(
  path: string,
  name: string,
  file: FileHandle | undefined,
): AsyncGenerator<Buffer> {
  if (file === undefined) throw damaged(path, `the file "${name}" is missing`);
  yield* readRange(file, 0, Number.POSITIVE_INFINITY);
}
