export interface TarEntry {
  path: string;
  content: Buffer;
}

const blockBytes = 512;

/** An archive (ustar) of files that only their owner can read; a path has 100 bytes at most. */
export function tarOf(entries: readonly TarEntry[], seconds: number): Buffer {
  const blocks = entries.flatMap(({ path, content }) => [
    header(path, content.length, seconds),
    content,
    Buffer.alloc((blockBytes - (content.length % blockBytes)) % blockBytes),
  ]);
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]);
}

function header(path: string, bytes: number, seconds: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  block.write(path, 0, 100);
  block.write(`${octal(0o600, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`, 100);
  block.write(`${octal(bytes, 11)}\0${octal(seconds, 11)}\0`, 124);
  // The checksum counts its own field as spaces.
  block.write("        0", 148);
  block.write("ustar\x0000", 257);
  block.write(`${octal(checksum(block), 6)}\0 `, 148);
  return block;
}

function checksum(block: Buffer): number {
  let sum = 0;
  for (const byte of block) sum += byte;
  return sum;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}
