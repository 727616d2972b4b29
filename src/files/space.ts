import { statfs } from "node:fs/promises";

export interface Space {
  /** Bytes that this user may still write. */
  freeBytes: number;
  /** Names that can still be made; undefined where the file system does not count them. */
  freeFiles: number | undefined;
}

export async function freeSpace(path: string): Promise<Space> {
  const stat = await statfs(path);
  return {
    freeBytes: stat.bavail * stat.bsize,
    freeFiles: stat.files > 0 ? stat.ffree : undefined,
  };
}

export interface Need {
  bytes: number;
  files: number;
}

/** What is needed and what is there of it, in words. */
export function shortageText(short: "bytes" | "files", space: Space, need: Need): string {
  return short === "bytes"
    ? `${need.bytes} bytes are needed and ${space.freeBytes} are free`
    : `${need.files} files are to come and ${space.freeFiles} can still be made`;
}

/** What is short for writing `need`, or undefined where it fits. */
export function shortage(space: Space, need: Need): "bytes" | "files" | undefined {
  if (need.bytes > space.freeBytes) return "bytes";
  if (space.freeFiles !== undefined && need.files > space.freeFiles) return "files";
  return undefined;
}
