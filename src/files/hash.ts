import { createHash, hash as hashOf } from "node:crypto";
import { close, closeSync, constants, fstatSync, openSync, read, readSync } from "node:fs";
import { promisify } from "node:util";
import { codeOf, MigrationError } from "../core/errors.ts";

const readInto = promisify(read) as (
  fd: number,
  buffer: Buffer,
  offset: number,
  length: number,
  position: null,
) => Promise<{ bytesRead: number }>;
const closeFd = promisify(close);
const pieceSize = 1024 * 1024;
/** Up to here one read in place is cheaper than four trips to a thread. */
export const smallSize = 64 * 1024;

export interface HashOptions {
  signal?: AbortSignal;
  onBytes?: (count: number) => void;
}

/** A file's hash, or the code of the error for which it cannot be read. */
export type Hashed = Buffer | string;

/** The code; throws what says more than that one file cannot be read. */
export function whyUnread(error: unknown): string {
  if (error instanceof MigrationError && error.code !== "E_REFUSED") throw error;
  return String(codeOf(error) ?? "unknown error");
}

export type Hasher = (location: Buffer | string, options?: HashOptions) => Promise<Buffer>;

/**
 * Makes a function that gives the SHA-256 of a regular file's content. It never follows a link at
 * `location`, and never waits for a fifo: anything but a regular file throws. The file is opened
 * before the promise is returned, so `location` needs to hold only until then. Buffers are used
 * again for the next file.
 */
export function makeHasher(): Hasher {
  const idle: Buffer[] = [];
  return async function hashFile(location, options = {}) {
    const fd = openSync(location, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const buffer = idle.pop() ?? Buffer.allocUnsafe(pieceSize);
    try {
      if (sizeOf(fd) < smallSize) return hashSmall(fd, buffer, options);
      return await hashLarge(fd, buffer, options);
    } finally {
      idle.push(buffer);
    }
  };
}

function sizeOf(fd: number): number {
  const stat = fstatSync(fd);
  if (stat.isFile()) return stat.size;
  closeSync(fd);
  throw new MigrationError("E_REFUSED", "Only regular files can be hashed");
}

function hashSmall(fd: number, buffer: Buffer, { onBytes }: HashOptions): Buffer {
  try {
    let length = 0;
    for (;;) {
      const count = readSync(fd, buffer, length, buffer.length - length, null);
      length += count;
      if (length === buffer.length) return hashGrown(fd, buffer, onBytes);
      if (count > 0) continue;
      onBytes?.(length);
      return hashOf("sha256", buffer.subarray(0, length), "buffer");
    }
  } finally {
    closeSync(fd);
  }
}

/** Of a file that was small when it was opened, and of which the buffer is full by now. */
function hashGrown(fd: number, buffer: Buffer, onBytes: HashOptions["onBytes"]): Buffer {
  const hash = createHash("sha256");
  let count = buffer.length;
  while (count > 0) {
    hash.update(buffer.subarray(0, count));
    onBytes?.(count);
    count = readSync(fd, buffer, 0, buffer.length, null);
  }
  return hash.digest();
}

async function hashLarge(fd: number, buffer: Buffer, { signal, onBytes }: HashOptions) {
  const hash = createHash("sha256");
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await readInto(fd, buffer, 0, buffer.length, null);
      if (bytesRead === 0) return hash.digest();
      hash.update(buffer.subarray(0, bytesRead));
      onBytes?.(bytesRead);
    }
  } finally {
    await closeFd(fd);
  }
}
