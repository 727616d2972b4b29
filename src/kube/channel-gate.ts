import { Readable } from "node:stream";

/** What several streams are fed from. */
export interface Source {
  pause(): void;
  resume(): void;
}

/** Bytes that a stream keeps before its source is paused. */
const highWaterMark = 256 * 1024;

/** Streams out of one source, which is paused as long as one of them is full. */
export interface ChannelGate {
  makeStream(): Readable;
  push(stream: Readable, data: Buffer): void;
}

export function makeChannelGate(source: Source): ChannelGate {
  const full = new Set<Readable>();
  function release(stream: Readable) {
    if (full.delete(stream) && full.size === 0) source.resume();
  }
  return {
    makeStream() {
      const stream = new Readable({
        highWaterMark,
        read() {
          release(stream);
        },
        destroy(error, done) {
          release(stream);
          done(error);
        },
      });
      return stream;
    },
    push(stream, data) {
      // Nobody wants it any more; the others may.
      if (data.length === 0 || stream.destroyed) return;
      if (stream.push(data) || full.has(stream)) return;
      if (full.size === 0) source.pause();
      full.add(stream);
    },
  };
}
