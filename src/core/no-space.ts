import { statfsSync } from "node:fs";
import { codeOf, MigrationError } from "./errors.ts";
import { sqliteResultOf, sqliteResults } from "./sqlite-result.ts";

/** What did not find room. */
export interface Room {
  /** To follow "No space left for". */
  what: string;
  /** A folder of that volume. */
  folder: string;
  /** The bytes of the write that failed, where they are known. */
  neededBytes?: number;
}

/** Whether a volume or quota has no room left, by the system's word or SQLite's. */
export function isFull(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOSPC" || code === "EDQUOT" || sqliteResultOf(error) === sqliteResults.full;
}

/** Says what did not find room, and how much there is. */
export function noSpace({ what, folder, neededBytes }: Room, cause?: unknown): MigrationError {
  const free = freeSpace(folder);
  const needed = neededBytes === undefined ? {} : { neededBytes };
  const numbers = [
    ...(neededBytes === undefined ? [] : [`${neededBytes} bytes are needed`]),
    ...(free === undefined ? [] : [`${free.freeBytes} bytes are free`]),
    ...(free?.freeFiles === 0 ? ["no further file can be made"] : []),
  ].join(", ");
  return new MigrationError(
    "E_NO_SPACE",
    `No space left for ${what} in "${folder}"${numbers === "" ? "" : `: ${numbers}`}`,
    {
      cause,
      hint: "Free or add space on that volume, then run the same command again",
      fields: { folder, ...needed, ...free },
    },
  );
}

/** Does a write; where it finds no room, says so. */
export async function withRoom<T>(room: Room, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw isFull(error) ? noSpace(room, error) : error;
  }
}

/** A volume that is gone meanwhile has no numbers. */
function freeSpace(folder: string): { freeBytes: number; freeFiles?: number } | undefined {
  try {
    const { bavail, bsize, files, ffree } = statfsSync(folder);
    return { freeBytes: bavail * bsize, ...(files > 0 ? { freeFiles: ffree } : {}) };
  } catch {
    return undefined;
  }
}
