import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { failpoint } from "../../core/failpoints.ts";
import { isFull, noSpace } from "../../core/no-space.ts";

/** Writes all of `data` at a position; E_NO_SPACE if the volume has no room for it. */
export async function writeAt(
  file: FileHandle,
  data: Buffer,
  { position, path }: { position: number; path: string },
) {
  let done = 0;
  try {
    failpoint("archive.beforeWrite");
    while (done < data.length) {
      const left = data.length - done;
      const { bytesWritten } = await file.write(data, done, left, position + done);
      done += bytesWritten;
    }
  } catch (error) {
    throw writeFailure(path, error, data.length - done);
  }
}

/** A full volume in the words of the family; any other error as it is. */
export function writeFailure(path: string, error: unknown, neededBytes?: number): unknown {
  if (!isFull(error)) return error;
  const room = { what: "the backup", folder: dirname(path) };
  return noSpace(neededBytes === undefined ? room : { ...room, neededBytes }, error);
}
