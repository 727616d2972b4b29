/** The first byte of each message of channel.k8s.io tells what the others belong to. */
export const channels = { stdin: 0, stdout: 1, stderr: 2, status: 3, close: 255 } as const;

/** A message carries no more than this. */
const longest = 256 * 1024;

/** Chunks as messages on a channel: small ones together, large ones in pieces. */
export function* framesOf(channel: number, chunks: readonly Buffer[]): Generator<Buffer> {
  const head = Buffer.of(channel);
  let parts: Buffer[] = [];
  let size = 0;
  for (const chunk of chunks) {
    for (let from = 0; from < chunk.length; ) {
      const part = chunk.subarray(from, from + longest - size);
      parts.push(part);
      size += part.length;
      from += part.length;
      if (size < longest) continue;
      yield Buffer.concat([head, ...parts]);
      parts = [];
      size = 0;
    }
  }
  if (size > 0) yield Buffer.concat([head, ...parts]);
}

/** v5: nothing more comes on that channel. */
export function closeFrame(channel: number): Buffer {
  return Buffer.of(channels.close, channel);
}

export function readFrame(message: Buffer): { channel: number; data: Buffer } {
  return { channel: message[0] ?? -1, data: message.subarray(1) };
}
