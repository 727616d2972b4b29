import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { codeOf, MigrationError } from "../../core/errors.ts";

/** Writes all of `data` at a position; E_NO_SPACE if the volume has no room for it. */
export async function writeAt(
  file: FileHandle,
  data: Buffer,
  { position, path }: { position: number; path: string },
) {
  let done = 0;
  try {
    while (done < data.length) {
      const left = data.length - done;
      const { bytesWritten } = await file.write(data, done, left, position + done);
      done += bytesWritten;
    }
  } catch (error) {
    throw writeFailure(path, error);
  }
}

/** A full volume in the words of the family; any other error as it is. */
export function writeFailure(path: string, error: unknown): unknown {
  const code = codeOf(error);
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  return new MigrationError("E_NO_SPACE", `No room left for the backup in "${dirname(path)}"`, {
    cause: error,
    hint: "Make room or enlarge the volume, or put the archives elsewhere with --work-dir",
  });
}
