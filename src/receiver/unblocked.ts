import { Duplex } from "node:stream";

/**
 * The same stream for node:http2, which reads nothing while a write of its own waits: two ends that
 * both send much would wait for each other for ever. Here a write never waits. What is kept until
 * the network takes it is bounded by the other end's window for the whole session.
 */
export function unblocked(inner: Duplex): Duplex {
  const gathered = gather(inner);
  const outer = new Duplex({
    read: () => void inner.resume(),
    write(piece: Buffer, _, done) {
      gathered.add(piece);
      done();
    },
    writev(pieces: { chunk: Buffer }[], done) {
      for (const { chunk } of pieces) gathered.add(chunk);
      done();
    },
    final(done) {
      gathered.flush();
      inner.end();
      done();
    },
    destroy(error, done) {
      gathered.flush();
      // What was written before, such as why this ends, may still leave.
      if (error === null && !inner.destroyed) inner.end(() => inner.destroy());
      else inner.destroy();
      done(error);
    },
  });
  inner.on("data", (piece: Buffer) => {
    if (!outer.push(piece)) inner.pause();
  });
  inner.once("end", () => void outer.push(null));
  inner.on("error", (error) => void outer.destroy(error));
  inner.once("close", () => void outer.destroy());
  outer.on("error", () => undefined);
  return outer;
}

const muchBytes = 256 * 1024;

/**
 * Hands over together what is written in one turn: a frame's head, its bytes, and the frames of
 * other calls would each be a message of their own on the way through the API.
 */
function gather(inner: Duplex) {
  let pieces: Buffer[] = [];
  let bytes = 0;
  let turn: NodeJS.Immediate | undefined;
  function flush() {
    clearImmediate(turn);
    turn = undefined;
    const [first, ...more] = pieces;
    if (first !== undefined && !inner.destroyed && !inner.writableEnded) {
      inner.write(more.length === 0 ? first : Buffer.concat(pieces, bytes));
    }
    pieces = [];
    bytes = 0;
  }
  function add(piece: Buffer) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes >= muchBytes) flush();
    else turn ??= setImmediate(flush);
  }
  return { add, flush };
}
