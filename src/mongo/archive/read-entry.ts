import { Readable, type Transform } from "node:stream";
import { createGunzip, createInflateRaw } from "node:zlib";
import type { Container } from "./container.ts";
import { damaged } from "./damage.ts";

/** The bytes of an entry; what mongodump packed by itself (`.gz`) is unpacked. */
export async function* readUnpacked(container: Container, name: string): AsyncGenerator<Buffer> {
  if (!name.endsWith(".gz")) {
    yield* container.read(name);
    return;
  }
  yield* unpacked(container.read(name), createGunzip(), { path: container.path, name });
}

interface EntryName {
  path: string;
  name: string;
}

/** Of the unpacked bytes: with zlib's own 16 KiB the pieces cost as much as the unpacking. */
const chunkSize = 256 * 1024;

/** The bytes of an entry that is packed by deflate. */
export function inflated(packed: AsyncIterable<Buffer>, entry: EntryName): AsyncGenerator<Buffer> {
  return unpacked(packed, createInflateRaw({ chunkSize }), entry);
}

/** What zlib makes of packed bytes; what it cannot unpack is damage of the entry. */
async function* unpacked(
  packed: AsyncIterable<Buffer>,
  unpacker: Transform,
  { path, name }: EntryName,
): AsyncGenerator<Buffer> {
  const input = Readable.from(packed);
  input.once("error", (error) => unpacker.destroy(error));
  try {
    yield* input.pipe(unpacker);
  } catch (error) {
    throw damaged(path, `the entry "${name}" cannot be unpacked`, error);
  } finally {
    input.destroy();
  }
}

interface Digesting<T> {
  update(data: Uint8Array): void;
  finish(): T;
}

/** Passes the bytes on and, once they ended, their digest to `done`, which may throw. */
export async function* digested<T>(
  stream: AsyncIterable<Buffer>,
  digest: Digesting<T>,
  done: (found: T) => void,
): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    digest.update(chunk);
    yield chunk;
  }
  done(digest.finish());
}

/** All of a small entry; damage if it is larger than `limit`. */
export async function readWhole(
  container: Container,
  name: string,
  limit: number,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of readUnpacked(container, name)) {
    bytes += chunk.length;
    if (bytes > limit) throw damaged(container.path, `the entry "${name}" is too large`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
