import { closeSync, openSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { codeOf, MigrationError } from "./errors.ts";

const groupMayWrite = 0o020;

/**
 * What this process makes from now on is its user's alone; or its group's too, where `workDir` is
 * below a folder that a group may write to, as on a volume whose pods share a group and not always
 * a user. Folders above `workDir` are not only ours: others may read them.
 */
export async function keepPrivate(workDir: string) {
  const above = dirname(workDir);
  const isGroups = ((await modeOfNearest(above)) & groupMayWrite) !== 0;
  if (isGroups) process.umask(0o002);
  await mkdir(above, { recursive: true });
  process.umask(isGroups ? 0o007 : 0o077);
}

/** Makes a migration's folder, below the folder of all, and keeps it private as above. */
export async function makePrivateFolder(folder: string) {
  try {
    await keepPrivate(dirname(folder));
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    const code = codeOf(cause);
    if (code !== "EACCES" && code !== "EPERM" && code !== "EROFS") throw cause;
    throw new MigrationError("E_PERMISSION", `Cannot make the folder "${folder}" (${code})`, {
      cause,
      hint: "Let the user of this process write there, or choose another ownership mode",
    });
  }
}

/** Of the folder, or of the nearest above it that is there. */
async function modeOfNearest(folder: string): Promise<number> {
  try {
    return (await stat(folder)).mode;
  } catch (error) {
    if (codeOf(error) !== "ENOENT" || dirname(folder) === folder) throw error;
    return await modeOfNearest(dirname(folder));
  }
}

/** Makes a file for SQLite where there is none: one of its own making is not for the group to write. */
export function makeForGroup(path: string) {
  try {
    closeSync(openSync(path, "ax", 0o660));
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}
