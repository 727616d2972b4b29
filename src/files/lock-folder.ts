import { lstat, mkdir, open, readdir, readFile, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, hasCode, MigrationError } from "../core/errors.ts";
import { isLockName, type LockPlace } from "../core/lock-place.ts";
import { runProcess } from "../core/process.ts";
import { timeText } from "./entry.ts";

/** Below the root of a destination, while somebody writes there. */
export const lockFolderName = ".migctl-lock";

/** What a lock's own folder holds. */
export const lockTextName = "lock";

/** A lock on its way out: nobody finds it under its name any more. */
const leaving = ".gone";

/**
 * Locks below a folder of this machine, each a folder of its own: who writes into it after it was
 * removed makes nothing. The root keeps its times.
 */
export function lockFolder(root: string): LockPlace {
  const folder = join(root, lockFolderName);
  const within = (name: string) => join(folder, checkLockName(name));
  return {
    names: async () => (await present(readdir(folder)))?.filter(isLockName) ?? [],
    read: async (name) => present(readFile(join(within(name), lockTextName), "utf8")),
    create: async (name, text) => keepingTimes(root, () => create(folder, within(name), text)),
    write: async (name, text) => (await present(overwrite(within(name), text))) !== undefined,
    remove: async (name) => keepingTimes(root, () => remove(folder, within(name))),
  };
}

export function checkLockName(name: string): string {
  if (isLockName(name)) return name;
  throw new MigrationError("E_REFUSED", `"${name}" is no name of a lock`);
}

/** Undefined where nothing is there. */
async function present<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function create(folder: string, lock: string, text: string) {
  // Who releases the last one may remove the folder between two of these.
  for (let tries = 0; tries < 10; tries++) {
    const made = await present(createIn(folder, lock, text));
    if (made !== undefined) return;
  }
  throw new MigrationError("E_FOLDER", `Cannot keep a lock in "${folder}"`, {
    hint: "Check that the destination's folder is there, and stays there",
  });
}

async function createIn(folder: string, lock: string, text: string): Promise<true> {
  await makeOwn(folder);
  await makeOwn(lock);
  const file = await open(join(lock, lockTextName), "w", 0o640);
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
  return true;
}

/** Never through a link. */
async function makeOwn(folder: string) {
  try {
    await mkdir(folder, { mode: 0o770 });
  } catch (error) {
    const code = codeOf(error);
    if (code === "EACCES" || code === "EPERM" || code === "EROFS") throw notAllowed(folder, error);
    if (code !== "EEXIST") throw error;
    if ((await lstat(folder)).isDirectory()) return;
    throw new MigrationError("E_FOLDER", `"${folder}" is not a folder`, {
      hint: "Move away what is there, then start again",
    });
  }
}

function notAllowed(folder: string, cause: unknown): MigrationError {
  return new MigrationError("E_PERMISSION", `Cannot make "${folder}" (${codeOf(cause)})`, {
    cause,
    hint: "Let the user of this process write there",
  });
}

/** In place, so that what is gone is not made again. */
async function overwrite(lock: string, text: string): Promise<true> {
  const file = await open(join(lock, lockTextName), "r+");
  try {
    await file.write(text, 0, "utf8");
  } finally {
    await file.close();
  }
  return true;
}

async function remove(folder: string, lock: string) {
  await present(rename(lock, `${lock}${leaving}`));
  for (const name of (await present(readdir(folder))) ?? []) {
    if (name.endsWith(leaving)) await rm(join(folder, name), { recursive: true, force: true });
  }
  await rmdir(folder).catch((error: unknown) => {
    // Others are there, or another one removed it.
    if (codeOf(error) !== "ENOTEMPTY" && codeOf(error) !== "ENOENT") throw error;
  });
}

/** A name that comes and goes moves the time of the folder around it, which may be the source's. */
async function keepingTimes(root: string, work: () => Promise<void>) {
  const before = await present(lstat(root, { bigint: true }));
  try {
    await work();
  } finally {
    if (before !== undefined) await setTime(root, before.mtimeNs);
  }
}

/** To the nanosecond, which Node cannot do; a folder of somebody else's stays as it is. */
async function setTime(folder: string, mtimeNs: bigint) {
  const args = ["-c", "-m", "-d", `@${timeText(mtimeNs)}`, "--", folder];
  await runProcess("touch", args).catch((error: unknown) => {
    if (!hasCode(error, "E_PROGRAM")) throw error;
  });
}
