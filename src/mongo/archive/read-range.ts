import type { FileHandle } from "node:fs/promises";

const chunkBytes = 128 * 1024;

/**
 * The bytes of a file from `start` up to `end`, or to where the file ends. Unlike Node's streams it
 * leaves the file open in every case.
 */
export async function* readRange(
  file: FileHandle,
  start: number,
  end: number,
): AsyncGenerator<Buffer> {
  let position = start;
  while (position < end) {
    const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, end - position));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}
