/** Splits what a command says from the trailer that tells its end: the mark and an exit code. */
export type TrailerReader = (piece: Buffer) => { data: Buffer; exitCode?: number };

/** Fewer bytes of a mark are handed on at once: the other end may wait for just these. */
const surelyMark = 8;

export function makeTrailerReader(mark: Buffer): TrailerReader {
  /** The end of what came that may begin the trailer; `given` bytes of it were handed on. */
  let kept: Buffer = Buffer.alloc(0);
  let given = 0;

  return function read(piece) {
    const all = Buffer.concat([kept, piece]);
    const at = all.indexOf(mark);
    if (at < 0) return { data: keepEnd(all) };
    const data = all.subarray(Math.min(given, at), at);
    const end = all.indexOf("\n", at + mark.length);
    kept = all.subarray(at);
    given = 0;
    if (end < 0) return { data };
    return { data, exitCode: Number(all.toString("latin1", at + mark.length, end)) };
  };

  function keepEnd(all: Buffer): Buffer {
    const length = overlap(all, mark);
    const start = all.length - length;
    const handedOn = Math.max(given, length < surelyMark ? all.length : start);
    const data = all.subarray(given, handedOn);
    kept = all.subarray(start);
    given = Math.max(0, handedOn - start);
    return data;
  }
}

/** The length of the longest end of `bytes` that the mark begins with. */
function overlap(bytes: Buffer, mark: Buffer): number {
  for (let length = Math.min(bytes.length, mark.length - 1); length > 0; length--) {
    if (bytes.subarray(bytes.length - length).equals(mark.subarray(0, length))) return length;
  }
  return 0;
}
