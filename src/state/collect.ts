import { type FileHandle, open, readdir, statfs } from "node:fs/promises";
import { join, relative } from "node:path";
import { z } from "zod";
import { codeOf } from "../core/errors.ts";
import { programVersion } from "../core/version.ts";

/** What a migration's folder tells of it, without its lists of documents and files. */
export const Collected = z.object({
  /** Of the program that read it, and of what it runs on. */
  version: z.string(),
  node: z.string(),
  volume: z.object({ bytes: z.number(), freeBytes: z.number(), freeFiles: z.number() }),
  /** All that is in the folder: mode, bytes, time and path of each. */
  listing: z.array(z.string()),
  /** By name; of a long one the end. */
  texts: z.record(z.string(), z.string()),
  /** Why one could not be read. */
  unread: z.record(z.string(), z.string()),
});
export type Collected = z.infer<typeof Collected>;

/** What holds no list of documents or files, also of runs that were undone. */
const telling =
  /^(undone-\d+\/)?((plan|report|bwlimit|status|status\.previous|result-[^/]*)\.json|events\.ndjson|[^/]*\.log|lock\/[^/]*)$/;
const mostBytes = 1024 * 1024;
const mostEntries = 5000;

/** Reads what can be read; throws only where the folder itself cannot be. */
export async function collectFolder(folder: string): Promise<Collected> {
  const { bsize, blocks, bavail, ffree } = await statfs(folder);
  const collected: Collected = {
    ...{ version: programVersion, node: process.version },
    volume: { bytes: blocks * bsize, freeBytes: bavail * bsize, freeFiles: ffree },
    ...{ listing: [], texts: {}, unread: {} },
  };
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.slice(0, mostEntries)) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path);
    try {
      if (entry.isFile()) await addFile(collected, name, path);
    } catch (error) {
      collected.unread[name] = String(codeOf(error) ?? error);
    }
  }
  return collected;
}

async function addFile({ listing, texts }: Collected, name: string, path: string) {
  const file = await open(path);
  try {
    const { mode, size, mtime } = await file.stat();
    listing.push(`${(mode & 0o7777).toString(8)} ${size} ${mtime.toISOString()} ${name}`);
    if (telling.test(name)) texts[name] = await endOf(file, size);
  } finally {
    await file.close();
  }
}

/** From the first whole line on, where it does not begin at the start. */
async function endOf(file: FileHandle, size: number): Promise<string> {
  const start = Math.max(0, size - mostBytes);
  const { buffer, bytesRead } = await file.read({
    ...{ buffer: Buffer.alloc(size - start), position: start },
  });
  const read = buffer.subarray(0, bytesRead);
  return read.subarray(start === 0 ? 0 : read.indexOf(10) + 1).toString("utf8");
}
