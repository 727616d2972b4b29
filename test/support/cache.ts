import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

const making = new Map<string, Promise<string>>();

/** The folder that keeps downloaded and built programs between runs. */
export function cacheFolder(): string {
  const base = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  return join(base, "migctl");
}

/**
 * The cached folder `name`, filled by `fill` where it is missing. It appears under its name only
 * when it is whole, so processes that fill it at the same time cannot see each other's half.
 */
export function cached(name: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cacheFolder(), name);
  if (existsSync(folder)) return Promise.resolve(folder);
  const running = making.get(folder);
  if (running !== undefined) return running;
  const promise = make(folder, fill).finally(() => making.delete(folder));
  making.set(folder, promise);
  return promise;
}

async function make(folder: string, fill: (folder: string) => Promise<void>): Promise<string> {
  await mkdir(cacheFolder(), { recursive: true });
  const half = await mkdtemp(`${folder}.part-`);
  try {
    await fill(half);
    await rename(half, folder).catch((error: unknown) => {
      // Another process was faster; its folder is as good as ours.
      if (!existsSync(folder)) throw error;
    });
    return folder;
  } finally {
    await rm(half, { recursive: true, force: true });
  }
}
