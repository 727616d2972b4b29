import { collecting } from "../../core/memory.ts";
import type { RawBatch } from "../bson-walk.ts";
import type { Container } from "./container.ts";
import type { Contents } from "./contents.ts";
import { damaged } from "./damage.ts";
import { type Digest, makeDigest, makeShortDigest, type ShortDigest } from "./digest.ts";
import { frameDocuments } from "./frame.ts";
import { digested, readUnpacked } from "./read-entry.ts";

/**
 * The documents of an entry, which in the end must have been what `contents` expects. Of what was
 * checked before, through the same open file, its CRC-32 is enough.
 */
export function readDocuments(
  container: Container,
  { expected: all }: Contents,
  { entry, checked }: { entry: string; checked: boolean },
): AsyncGenerator<RawBatch> {
  const expected = all.get(entry);
  const bytes = readUnpacked(container, entry);
  const digest = checked ? makeShortDigest() : makeDigest();
  const stream = digested<ShortDigest | Digest>(bytes, digest, (found) => {
    if (expected !== undefined) compareDigests(container.path, entry, { expected, found });
  });
  return collecting(frameDocuments(stream, entry));
}

export function compareDigests(
  path: string,
  entry: string,
  { expected, found }: { expected: Digest; found: ShortDigest | Digest },
) {
  if (found.bytes !== expected.bytes) {
    throw damaged(path, `"${entry}" has ${found.bytes} bytes instead of ${expected.bytes}`);
  }
  if (found.crc32 !== expected.crc32) throw damaged(path, `"${entry}" has another CRC-32`);
  if ("sha256" in found && found.sha256 !== expected.sha256) {
    throw damaged(path, `"${entry}" has another SHA-256`);
  }
}
