import { type FileHandle, open } from "node:fs/promises";
import { type Entry, fromRandomAccessReaderPromise, type ZipFile } from "yauzl";
import { codeOf, MigrationError } from "../../core/errors.ts";
import { BoundedReader } from "./bounded-reader.ts";
import type { Container } from "./container.ts";
import { damaged } from "./damage.ts";
import { type EntryRecord, methods } from "./layout.ts";
import { inflated } from "./read-entry.ts";

export interface ZipContainer extends Container {
  readonly file: FileHandle;
  /** In the central directory's order. */
  readonly records: readonly EntryRecord[];
}

const mostEntries = 1_000_000;
/** Deflate cannot do better; what claims to is made to fill memory or a disk. */
const deflateLimit = 1032;
const symlink = 0o120000;
const fileTypeBits = 0o170000;

/**
 * Opens a zip file and checks its directory. yauzl reads the directory and unpacks: it is strict
 * about names and sizes, and reads by position, which streaming unzippers are not and do not. It
 * does not check CRC-32, duplicates, symlinks or overlaps: that is done here and in the check.
 */
export async function openZip(path: string): Promise<ZipContainer> {
  const file = await openFile(path);
  try {
    const { zip, found } = await readDirectory(file, path);
    const entries = new Map([...found].map(([name, entry]) => [name, sizeOf(name, entry)]));
    return {
      path,
      file,
      entries,
      records: [...found.values()].map(toRecord),
      read: (name) => readEntry(zip, found.get(name), { path, name }),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    const missing = codeOf(error) === "ENOENT";
    throw new MigrationError("E_FOLDER", `Cannot open the archive "${path}"`, {
      cause: error,
      hint: missing ? "Run the backup step first" : "Check the file's owner and mode",
    });
  }
}

async function readDirectory(file: FileHandle, path: string) {
  const found = new Map<string, Entry>();
  try {
    const { size } = await file.stat();
    const reader = new BoundedReader(file, size);
    const options = { autoClose: false, strictFileNames: true };
    const zip = await fromRandomAccessReaderPromise(reader, size, options);
    if (zip.entryCount > mostEntries) throw damaged(path, "it claims to hold too many entries");
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith("/")) continue;
      refuseOdd(entry, path);
      if (found.has(entry.fileName)) {
        throw damaged(path, `it holds the entry "${entry.fileName}" twice`);
      }
      found.set(entry.fileName, entry);
    }
    refuseOverlaps([...found.values()], path);
    return { zip, found };
  } catch (error) {
    if (error instanceof MigrationError) throw error;
    const reason = error instanceof Error ? JSON.stringify(error.message) : "";
    throw damaged(path, `its directory cannot be read: ${reason}`, error);
  }
}

function refuseOdd(entry: Entry, path: string) {
  const { fileName: name, compressedSize, uncompressedSize } = entry;
  const mode = entry.externalFileAttributes >>> 16;
  if ((mode & fileTypeBits) === symlink) throw damaged(path, `"${name}" is a symbolic link`);
  if (entry.isEncrypted()) throw damaged(path, `"${name}" is encrypted`);
  if (name.includes("\0") || name.split("/").some((part) => ["", ".", ".."].includes(part))) {
    throw damaged(path, `it holds the entry name ${JSON.stringify(name)}`);
  }
  if (methodOf(entry) === undefined) {
    throw damaged(path, `"${name}" is packed by a method other than deflate`);
  }
  if (uncompressedSize > compressedSize * deflateLimit + 1024) {
    throw damaged(path, `"${name}" claims a size that its packed bytes cannot have`);
  }
}

/** Entries that share bytes make a small file unpack to a huge one. */
function refuseOverlaps(entries: Entry[], path: string) {
  entries.sort((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader);
  let end = 0;
  for (const { fileName, relativeOffsetOfLocalHeader: start, compressedSize } of entries) {
    if (start < end) throw damaged(path, `"${fileName}" overlaps another entry`);
    end = start + compressedSize;
  }
}

async function* readEntry(
  zip: ZipFile,
  entry: Entry | undefined,
  { path, name }: { path: string; name: string },
): AsyncGenerator<Buffer> {
  if (entry === undefined) throw damaged(path, `the entry "${name}" is missing`);
  try {
    const stream = await zip.openReadStreamPromise(entry, { decodeFileData: false });
    yield* methodOf(entry) === methods.deflate
      ? ofSize(inflated(stream, { path, name }), entry, path)
      : stream;
  } catch (error) {
    throw error instanceof MigrationError
      ? error
      : damaged(path, `the entry "${name}" cannot be unpacked`, error);
  }
}

/** Ends where there is more, or less, than the directory says: yauzl looks only where it unpacks. */
async function* ofSize(
  bytes: AsyncIterable<Buffer>,
  { fileName, uncompressedSize: size }: Entry,
  path: string,
): AsyncGenerator<Buffer> {
  let found = 0;
  for await (const chunk of bytes) {
    found += chunk.length;
    if (found > size) break;
    yield chunk;
  }
  if (found !== size) throw damaged(path, `"${fileName}" does not unpack to ${size} bytes`);
}

function sizeOf(name: string, entry: Entry) {
  return { name, size: entry.uncompressedSize };
}

function toRecord(entry: Entry): EntryRecord {
  return {
    name: entry.fileName,
    offset: entry.relativeOffsetOfLocalHeader,
    method: methodOf(entry) ?? methods.store,
    size: entry.uncompressedSize,
    compressedSize: entry.compressedSize,
    crc32: entry.crc32,
  };
}

function methodOf({ compressionMethod }: Entry) {
  return Object.values(methods).find((method) => method === compressionMethod);
}
