import { Duplex } from "node:stream";

/**
 * The same stream for node:http2, which reads nothing while a write of its own waits: two ends that
 * both send much would wait for each other for ever. Here a write never waits. What is kept until
 * the network takes it is bounded by the other end's window for the whole session.
 */
export function unblocked(inner: Duplex): Duplex {
  const outer = new Duplex({
    read: () => void inner.resume(),
    write(piece: Buffer, _, done) {
      inner.write(piece);
      done();
    },
    writev(pieces: { chunk: Buffer }[], done) {
      inner.cork();
      for (const { chunk } of pieces) inner.write(chunk);
      inner.uncork();
      done();
    },
    final(done) {
      inner.end();
      done();
    },
    destroy(error, done) {
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
