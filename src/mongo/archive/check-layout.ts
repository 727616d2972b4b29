import type { FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { damaged } from "./damage.ts";
import { crcText } from "./digest.ts";
import { directory, type EntryRecord, localHeader, methods } from "./layout.ts";
import { type Manifest, manifestName } from "./manifest.ts";
import { readRange } from "./read-range.ts";
import type { ZipContainer } from "./zip-container.ts";

/**
 * Proves that the file is, byte for byte, what the writer made: headers and directory by making
 * them again, packed data by its CRC-32. Damage that a zip reader overlooks (dates, unused bits of
 * the packed data) is found as well. The data of entries that are not packed is not looked at: that
 * is what their own hashes are of.
 */
export async function checkLayout(zip: ZipContainer, manifest: Manifest, signal?: AbortSignal) {
  await checkDirectory(zip, manifest);
  const { file, path, records } = zip;
  for (const [index, record] of records.slice(0, -1).entries()) {
    const header = localHeader(record);
    await compareAt(file, record.offset, header, path);
    if (record.method === methods.store) continue;
    const start = record.offset + header.length;
    const packed = readRange(file, start, start + record.compressedSize);
    if (crcText(await crcOf(packed, signal)) === manifest.entries[index]?.packedCrc32) continue;
    throw damaged(path, `"${record.name}" is packed in other bytes than those of the manifest`);
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

async function crcOf(chunks: AsyncIterable<Buffer>, signal?: AbortSignal): Promise<number> {
  let crc = 0;
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    crc = crc32(chunk, crc);
  }
  return crc;
}
