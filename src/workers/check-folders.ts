import { constants } from "node:fs";
import { access, realpath, stat } from "node:fs/promises";
import { sep } from "node:path";
import { codeOf, MigrationError } from "../core/errors.ts";

interface CheckedFolders {
  /** Real paths: no part of them is a symbolic link. */
  sourceDir: string;
  destinationDir: string;
}

/** Both folders exist, can be used as they must be, and neither lies within the other. */
export async function checkFolders(sourceDir: string, destinationDir: string) {
  const source = await checkFolder(sourceDir, "source", constants.R_OK | constants.X_OK);
  const target = await checkFolder(
    destinationDir,
    "destination",
    constants.R_OK | constants.W_OK | constants.X_OK,
  );
  await refuseSameFolder(source, target);
  return { sourceDir: source, destinationDir: target } satisfies CheckedFolders;
}

async function checkFolder(path: string, side: string, mode: number): Promise<string> {
  const flag = side === "source" ? "--source-dir" : "--dest-dir";
  try {
    const real = await realpath(path);
    if (!(await stat(real)).isDirectory()) {
      throw new MigrationError("E_FOLDER", `The ${side} "${path}" is not a folder`, {
        hint: `Name the folder that holds the data with ${flag}`,
      });
    }
    await access(real, mode);
    return real;
  } catch (error) {
    if (error instanceof MigrationError) throw error;
    throw folderFailure(error, { path, side, flag });
  }
}

interface Named {
  path: string;
  side: string;
  flag: string;
}

function folderFailure(error: unknown, { path, side, flag }: Named): MigrationError {
  const code = codeOf(error);
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new MigrationError("E_FOLDER", `The ${side} folder "${path}" does not exist`, {
      cause: error,
      hint: `Make it or mount its volume, or name another one with ${flag}`,
    });
  }
  const use = side === "source" ? "read" : "written to";
  const reason = code === "EROFS" ? "the file system is read-only" : "its permissions forbid it";
  return new MigrationError("E_PERMISSION", `The ${side} folder "${path}" cannot be ${use}`, {
    cause: error,
    hint: `Change that (${reason}), or run as a user who may`,
  });
}

async function refuseSameFolder(source: string, destination: string) {
  const [a, b] = [await stat(source), await stat(destination)];
  const same = a.dev === b.dev && a.ino === b.ino;
  if (!same && !isInside(source, destination) && !isInside(destination, source)) return;
  const how = same ? "are the same folder" : "lie within each other";
  throw new MigrationError(
    "E_SAME_SERVER",
    `Source "${source}" and destination "${destination}" ${how}`,
    { hint: "Name two different folders; nothing was written" },
  );
}

function isInside(inner: string, outer: string): boolean {
  return inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);
}
