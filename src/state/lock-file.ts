import { type FileHandle, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../core/atomic-file.ts";
import { codeOf } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import { LockRecord, parseRecord } from "./lock-record.ts";

export interface FoundLock {
  fencing: number;
  /** As it was read: any change is a sign of life. */
  text: string;
  /** Undefined while the file is being made, or when its maker died while making it. */
  record: LockRecord | undefined;
}

/** Padded to one length, so that it is replaced in one write. */
const recordLength = 1024;

/** The lock with the highest fencing number, which is the one that counts. */
export async function findLock(folder: string): Promise<FoundLock | undefined> {
  for (;;) {
    const fencing = Math.max(0, ...(await listLocks(folder)));
    if (fencing === 0) return undefined;
    const text = await readIfThere(join(folder, String(fencing)));
    if (text !== undefined) return { fencing, text, record: parseRecord(LockRecord, text) };
  }
}

/**
 * Makes the lock with that fencing number, which only one process can; undefined when another one
 * was faster. The number is the file's name, so a late contender can never remove a newer lock.
 */
export async function createLock(
  folder: string,
  fencing: number,
  record: LockRecord,
): Promise<FileHandle | undefined> {
  const path = join(folder, String(fencing));
  failpoint("lock.beforeMake");
  const file = await openNew(path);
  if (file === undefined) return undefined;
  try {
    failpoint("lock.afterMake");
    await writeRecord(file, record);
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
  const locks = await listLocks(folder);
  if (Math.max(...locks) !== fencing) {
    await file.close();
    await rm(path, { force: true });
    return undefined;
  }
  for (const older of locks) {
    if (older < fencing) await rm(join(folder, String(older)), { force: true });
  }
  await syncFolder(folder);
  return file;
}

/** Writes into the opened file itself: once another lock took its place this reaches nobody. */
export async function writeRecord(file: FileHandle, record: LockRecord) {
  const content = `${JSON.stringify(record).padEnd(recordLength - 1)}\n`;
  failpoint("lock.beforeWrite");
  await file.write(content, 0, "utf8");
  await file.datasync();
  failpoint("lock.afterWrite");
}

export function fencingNumbers(names: readonly string[]): number[] {
  return names.filter((name) => /^[1-9][0-9]*$/.test(name)).map(Number);
}

async function listLocks(folder: string): Promise<number[]> {
  return fencingNumbers(await readdir(folder));
}

async function openNew(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "wx");
  } catch (error) {
    if (codeOf(error) === "EEXIST") return undefined;
    throw error;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
