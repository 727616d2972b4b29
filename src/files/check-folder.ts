import { constants } from "node:fs";
import { access, realpath, stat } from "node:fs/promises";
import { codeOf, MigrationError } from "../core/errors.ts";

type Side = "source" | "destination";

const rights = {
  source: constants.R_OK | constants.X_OK,
  destination: constants.R_OK | constants.W_OK | constants.X_OK,
} as const;

/** The real path of a folder that can be used as its side must be; no part of it is a link. */
export async function checkFolder(path: string, side: Side): Promise<string> {
  const flag = side === "source" ? "--source-dir" : "--dest-dir";
  try {
    const real = await realpath(path);
    if (!(await stat(real)).isDirectory()) {
      throw new MigrationError("E_FOLDER", `The ${side} "${path}" is not a folder`, {
        hint: `Name the folder that holds the data with ${flag}`,
      });
    }
    await access(real, rights[side]);
    return real;
  } catch (error) {
    if (error instanceof MigrationError) throw error;
    throw folderFailure(error, { path, side, flag });
  }
}

interface Named {
  path: string;
  side: Side;
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
