import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/** What a run of bytes is known by. */
export interface Digest {
  bytes: number;
  crc32: number;
  sha256: string;
}

/** Takes bytes piece by piece and tells their length, CRC-32 and SHA-256 in the end. */
export function makeDigest() {
  const hash = createHash("sha256");
  let bytes = 0;
  let crc = 0;
  return {
    update(data: Uint8Array) {
      hash.update(data);
      crc = crc32(data, crc);
      bytes += data.length;
    },
    finish: (): Digest => ({ bytes, crc32: crc, sha256: hash.digest("hex") }),
  };
}

export function crcText(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}
