import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { damaged } from "./damage.ts";
import { crcText } from "./digest.ts";
import { directory, type EntryRecord, localHeader, methods } from "./layout.ts";
import { type Manifest, manifestName } from "./manifest.ts";
import { readRange } from "./read-range.ts";
import type { ZipContainer } from "./zip-container.ts";

/**
 * Proves that the file is, byte for byte, what the writer made: everything in front of the manifest
 * by its hash, everything behind it by making it again. Damage that a zip reader overlooks (dates,
 * unused bits of the packed data) is found as well. Of entries that are not packed only the headers
 * are looked at: all else of them is what their own hashes are of.
 */
export async function checkLayout(zip: ZipContainer, manifest: Manifest, signal?: AbortSignal) {
  await checkDirectory(zip, manifest);
  const { file, path, records } = zip;
  if (records.every(({ method }) => method === methods.store)) {
    for (const record of records) await compareAt(file, record.offset, localHeader(record), path);
    return;
  }
  const { bytes, sha256 } = manifest.body;
  if ((await hashOfStart(file, bytes, signal)) !== sha256) {
    throw damaged(path, "its content is not that of the manifest");
  }
}

/** The same of everything but the entries in front of the manifest. */
export async function checkDirectory({ file, path, records }: ZipContainer, manifest: Manifest) {
  const last = records.at(-1);
  if (last?.name !== manifestName || last.offset !== manifest.body.bytes) {
    throw damaged(path, "its manifest is not the last entry");
  }
  compareRecords(path, records, manifest);
  const head = localHeader(last);
  const tail = directory(records, last.offset + head.length + last.compressedSize);
  const end = last.offset + head.length + last.compressedSize + tail.length;
  const { size } = await file.stat();
  if (size !== end) throw damaged(path, `it has ${size} bytes instead of ${end}`);
  await compareAt(file, last.offset, head, path);
  await compareAt(file, end - tail.length, tail, path);
}

/** The entries lie one behind the other in the manifest's order, and are what it says. */
function compareRecords(path: string, records: readonly EntryRecord[], manifest: Manifest) {
  let offset = 0;
  for (const [index, record] of records.slice(0, -1).entries()) {
    const listed = manifest.entries[index];
    const same =
      record.name === listed?.name &&
      record.size === listed.bytes &&
      crcText(record.crc32) === listed.crc32 &&
      record.offset === offset;
    if (!same) throw damaged(path, `the entry "${record.name}" is not as the manifest says`);
    offset += localHeader(record).length + record.compressedSize;
  }
  if (offset !== manifest.body.bytes) throw damaged(path, "there is something between its entries");
}

async function compareAt(file: FileHandle, position: number, wanted: Buffer, path: string) {
  const found = Buffer.alloc(wanted.length);
  const { bytesRead } = await file.read(found, 0, wanted.length, position);
  if (bytesRead === wanted.length && found.equals(wanted)) return;
  throw damaged(path, "its directory is not as it was written");
}

/** SHA-256 of the first `bytes` of a file. */
async function hashOfStart(file: FileHandle, bytes: number, signal?: AbortSignal) {
  const hash = createHash("sha256");
  for await (const chunk of readRange(file, 0, bytes)) {
    signal?.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest("hex");
}
