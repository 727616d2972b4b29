import type { FileHandle } from "node:fs/promises";
import { Readable } from "node:stream";
import { RandomAccessReader } from "yauzl";
import { readRange } from "./read-range.ts";

/**
 * Reads a file for yauzl within its bounds. yauzl's own reader passes positions from the file on
 * to Node unchecked, and a damaged one is thrown where nothing can catch it.
 */
export class BoundedReader extends RandomAccessReader {
  readonly #file: FileHandle;
  readonly #size: number;

  constructor(file: FileHandle, size: number) {
    super();
    this.#file = file;
    this.#size = size;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    ...[position, callback]: [number, (error: Error | null, bytesRead?: number) => void]
  ) {
    if (!this.#holds(position, position + length)) {
      setImmediate(callback, outside(position));
      return;
    }
    this.#file.read(buffer, offset, length, position).then(
      ({ bytesRead }) => setImmediate(callback, null, bytesRead),
      (error: Error) => setImmediate(callback, error),
    );
  }

  override createReadStream({ start, end }: { start: number; end: number }): Readable {
    if (!this.#holds(start, end)) return failing(outside(start));
    return Readable.from(readRange(this.#file, start, end), { objectMode: false });
  }

  /** The file belongs to whoever opened it. */
  override close(callback: (error: Error | null) => void) {
    setImmediate(callback, null);
  }

  #holds(start: number, end: number): boolean {
    return Number.isSafeInteger(start) && start >= 0 && start <= end && end <= this.#size;
  }
}

function outside(position: number): Error {
  return new Error(`It points to byte ${position}, which is outside of the file`);
}

function failing(error: Error): Readable {
  return new Readable({
    read() {
      this.destroy(error);
    },
  });
}
