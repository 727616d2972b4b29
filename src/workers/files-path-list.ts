import { closeSync, openSync, writeSync } from "node:fs";

/**
 * A path as it stands in a list for rsync or tar. The leading "./" keeps "#" and ";" from being
 * comments and "-" from being an option.
 */
export function asListed(path: Buffer): Buffer {
  return Buffer.concat([Buffer.from("./"), path, Buffer.alloc(1)]);
}

/** Returns how many there were. */
export function writePathList(file: string, paths: Iterable<Buffer>): number {
  const fd = openSync(file, "w", 0o660);
  let count = 0;
  try {
    for (const path of paths) {
      writeSync(fd, asListed(path));
      count++;
    }
    return count;
  } finally {
    closeSync(fd);
  }
}
