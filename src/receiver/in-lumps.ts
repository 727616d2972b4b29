import { Transform } from "node:stream";

const lumpBytes = 64 * 1024;
const lumpMs = 2;

/**
 * Hands on together what comes within a moment. The rsync that receives asks for each file by itself,
 * in a few bytes: every one of them would be a message of its own through all that is between, and
 * be answered by as small a one.
 */
export function inLumps(): Transform {
  let pieces: Buffer[] = [];
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;
  function hand() {
    clearTimeout(timer);
    timer = undefined;
    if (bytes > 0 && !lumps.destroyed) lumps.push(Buffer.concat(pieces, bytes));
    pieces = [];
    bytes = 0;
  }
  const lumps = new Transform({
    transform(piece: Buffer, _, done) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes >= lumpBytes) hand();
      else timer ??= setTimeout(hand, lumpMs);
      done();
    },
    flush(done) {
      hand();
      done();
    },
    destroy(error, done) {
      clearTimeout(timer);
      done(error);
    },
  });
  return lumps;
}
