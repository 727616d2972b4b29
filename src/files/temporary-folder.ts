import { lstat, mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, MigrationError } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import { runProcess } from "../core/process.ts";
import { safePathPart } from "./entry.ts";

/** The folder for unfinished things: one name below the root, and never a link. */
export function temporaryFolder(root: string, name: string): string {
  if (safePathPart(name)) return join(root, name);
  throw new MigrationError("E_REFUSED", `"${name}" is no name for a folder below "${root}"`);
}

/** Leftovers of a killed run go first; its partial files stay for rsync to go on from. */
export async function makeTemporaryFolder(root: string, name: string) {
  const folder = temporaryFolder(root, name);
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    if (codeOf(error) !== "EEXIST") throw error;
  });
  const [own, base] = await Promise.all([lstat(folder), stat(root)]);
  if (!own.isDirectory()) throw notUsable(folder, "is not a folder");
  if (own.dev !== base.dev) throw notUsable(folder, "is on another volume");
  await removeTree(join(folder, "unfinished"), join(folder, "staging"));
  for (const part of ["unfinished", "staging", "partial"]) {
    await mkdir(join(folder, part), { recursive: true, mode: 0o700 });
  }
  failpoint("temporary.afterMake");
}

function notUsable(folder: string, what: string): MigrationError {
  return new MigrationError("E_FOLDER", `"${folder}" ${what}`, {
    hint: "Put the folder for unfinished files on the volume of the destination",
  });
}

/** By the system's rm, which also removes paths beyond PATH_MAX and names that are not UTF-8. */
export async function removeTree(...paths: string[]) {
  failpoint("temporary.beforeRemove");
  const { exitCode, stderr } = await runProcess("rm", ["-rf", "--", ...paths]);
  failpoint("temporary.afterRemove");
  if (exitCode === 0) return;
  throw new MigrationError("E_PROGRAM", `Cannot remove "${paths.join('", "')}": ${stderr.trim()}`);
}
