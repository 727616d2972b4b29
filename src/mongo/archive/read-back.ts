import type { FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { damaged } from "./damage.ts";
import { readRange } from "./read-range.ts";

/** Bytes of a file, as they were given to be written. */
export interface WrittenPiece {
  bytes: number;
  crc32: number;
}

interface WrittenFile {
  file: FileHandle;
  path: string;
  /** From the file's start, one behind the other. */
  pieces: readonly WrittenPiece[];
}

/** Reads back what was written; E_INTEGRITY where it is something else. */
export async function readBack(
  { file, path, pieces }: WrittenFile,
  signal?: AbortSignal,
): Promise<void> {
  const end = pieces.reduce((sum, { bytes }) => sum + bytes, 0);
  const compare = makeComparison(pieces, path);
  for await (const chunk of readRange(file, 0, end)) {
    signal?.throwIfAborted();
    compare.add(chunk);
  }
  compare.end();
}

/** Takes bytes in any portions and cuts them where the pieces end. */
function makeComparison(pieces: readonly WrittenPiece[], path: string) {
  let number = 0;
  let bytes = 0;
  let crc = 0;
  function endPieces() {
    for (; bytes === pieces[number]?.bytes; number += 1) {
      if (crc !== pieces[number]?.crc32) throw damaged(path, "it does not hold what was written");
      bytes = 0;
      crc = 0;
    }
  }
  return {
    add(chunk: Buffer) {
      for (let at = 0; at < chunk.length; ) {
        const portion = chunk.subarray(at, at + (pieces[number]?.bytes ?? 0) - bytes);
        crc = crc32(portion, crc);
        bytes += portion.length;
        at += portion.length;
        endPieces();
      }
    },
    end() {
      endPieces();
      if (number < pieces.length) throw damaged(path, "it ends before what was written");
    },
  };
}
