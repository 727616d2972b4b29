import { promisify } from "node:util";
import { constants, deflateRaw } from "node:zlib";

const deflateBlock = promisify(deflateRaw);
const blockBytes = 1024 * 1024;
/** Blocks that are packed at the same time, by the thread pool: bounds the memory. */
const mostInFlight = 4;
const level = 1;
/** An empty last block: it ends the stream that the blocks before it left open. */
const finalBlock = Buffer.of(0x03, 0x00);

export interface Packer {
  write(data: Buffer): Promise<void>;
  /** Writes what is left and returns the number of packed bytes. */
  end(): Promise<number>;
  /** Waits until nothing is in flight, and forgets it. */
  abandon(): Promise<void>;
}

type Sink = (packed: Buffer) => Promise<void>;

/** Passes everything on as it is. */
export function makeStorer(sink: Sink): Packer {
  let packed = 0;
  return {
    async write(data) {
      packed += data.length;
      await sink(data);
    },
    end: async () => packed,
    abandon: async () => {},
  };
}

/**
 * Deflates in blocks on several cores: each is packed on its own and ends on a byte boundary, so
 * that their concatenation is one valid stream.
 */
export function makeDeflater(sink: Sink): Packer {
  const inFlight: Promise<Buffer>[] = [];
  let gathered: Buffer[] = [];
  let bytes = 0;
  let packed = 0;

  async function writeOldest() {
    const block = await inFlight.shift();
    if (block === undefined) return;
    packed += block.length;
    await sink(block);
  }

  async function flush() {
    const block = gathered.length === 1 && gathered[0] ? gathered[0] : Buffer.concat(gathered);
    gathered = [];
    bytes = 0;
    while (inFlight.length >= mostInFlight) await writeOldest();
    const options = { level, finishFlush: constants.Z_SYNC_FLUSH, chunkSize: 256 * 1024 };
    const result = deflateBlock(block, options);
    result.catch(() => {});
    inFlight.push(result);
  }

  return {
    async write(data) {
      for (let at = 0; at < data.length; ) {
        const piece = data.subarray(at, at + blockBytes - bytes);
        gathered.push(piece);
        bytes += piece.length;
        at += piece.length;
        if (bytes === blockBytes) await flush();
      }
    },
    async end() {
      if (bytes > 0) await flush();
      while (inFlight.length > 0) await writeOldest();
      await sink(finalBlock);
      return packed + finalBlock.length;
    },
    async abandon() {
      await Promise.allSettled(inFlight);
      inFlight.length = 0;
    },
  };
}
