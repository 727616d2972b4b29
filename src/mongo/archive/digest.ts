import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/** What a run of bytes is known by. */
export interface Digest {
  bytes: number;
  crc32: number;
  sha256: string;
}

/** What is enough to find that bytes which were hashed before are others now. */
export type ShortDigest = Pick<Digest, "bytes" | "crc32">;

/** Takes bytes piece by piece and tells their length and CRC-32 in the end. */
export function makeShortDigest() {
  const found: ShortDigest = { bytes: 0, crc32: 0 };
  return {
    update(data: Uint8Array) {
      found.crc32 = crc32(data, found.crc32);
      found.bytes += data.length;
    },
    finish: () => found,
  };
}

/** Takes bytes piece by piece and tells their length, CRC-32 and SHA-256 in the end. */
export function makeDigest() {
  const hash = createHash("sha256");
  const short = makeShortDigest();
  return {
    update(data: Uint8Array) {
      hash.update(data);
      short.update(data);
    },
    finish: (): Digest => ({ ...short.finish(), sha256: hash.digest("hex") }),
  };
}

export function crcText(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}
