import type { FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { MigrationError } from "../../core/errors.ts";
import { makeDeflater, makeStorer } from "./deflate.ts";
import { type Digest, makeDigest } from "./digest.ts";
import { type EarlySync, makeEarlySync } from "./early-sync.ts";
import { directory, type EntryRecord, localHeader, methods } from "./layout.ts";
import type { WrittenPiece } from "./read-back.ts";
import { writeAt, writeFailure } from "./write-at.ts";

export type Compression = "deflate" | "store";

/** One entry being written; another can begin only after `end` or `abandon`. */
export interface EntryWriter {
  write(data: Buffer): Promise<void>;
  end(): Promise<Digest>;
  /** Takes the entry back: the file is cut where it began. */
  abandon(): Promise<void>;
}

interface WrittenRecord extends EntryRecord {
  /** Of its bytes as they lie in the archive. */
  packedCrc32: number;
}

/** An entry that will not be written to any more. */
export interface WrittenEntry {
  record: EntryRecord;
  digest: Digest;
}

export interface ZipWriter {
  /** Where the next entry will start. */
  offset(): number;
  begin(name: string, compression: Compression): EntryWriter;
  /** Of an entry that was ended. */
  record(name: string): WrittenRecord | undefined;
  /** Everything that was written, from the file's start up to `offset`. */
  pieces(): WrittenPiece[];
  /** Writes the directory. */
  finish(): Promise<void>;
}

interface State {
  file: FileHandle;
  disk: EarlySync;
  path: string;
  position: number;
  /** By name, in the order in which they lie there. */
  entries: Map<string, WrittenRecord>;
  pieces: WrittenPiece[];
}

/** Writes a zip file into a file that is open for writing and empty. */
export function makeZipWriter(file: FileHandle, path: string): ZipWriter {
  const disk = makeEarlySync(file);
  const state: State = { file, disk, path, position: 0, entries: new Map(), pieces: [] };
  return {
    offset: () => state.position,
    begin: (name, compression) => beginEntry(state, name, compression),
    record: (name) => state.entries.get(name),
    pieces: () => state.pieces,
    finish: () => append(state, directory([...state.entries.values()], state.position)),
  };
}

function beginEntry(state: State, name: string, compression: Compression): EntryWriter {
  if (state.entries.has(name)) {
    throw new MigrationError("E_UNEXPECTED", `The archive has an entry "${name}" already`);
  }
  const start = state.position;
  const record: EntryRecord = {
    name,
    offset: start,
    method: methods[compression],
    size: 0,
    compressedSize: 0,
    crc32: 0,
  };
  const digest = makeDigest();
  const { packer, packedCrc32 } = makePacker(state, compression);
  state.position += localHeader(record).length;
  return {
    async write(data) {
      digest.update(data);
      await packer.write(data);
    },
    async end() {
      record.compressedSize = await packer.end();
      const found = digest.finish();
      record.size = found.bytes;
      record.crc32 = found.crc32;
      const header = localHeader(record);
      await writeAt(state.file, header, { position: start, path: state.path });
      const packed = { bytes: record.compressedSize, crc32: packedCrc32() ?? found.crc32 };
      state.pieces.push({ bytes: header.length, crc32: crc32(header) }, packed);
      state.entries.set(name, { ...record, packedCrc32: packed.crc32 });
      return found;
    },
    async abandon() {
      await packer.abandon();
      state.position = start;
      await state.file.truncate(start);
    },
  };
}

/** What is stored as it is has the CRC-32 of the entry. */
function makePacker(state: State, compression: Compression) {
  if (compression === "store") {
    const packer = makeStorer((data) => append(state, data));
    return { packer, packedCrc32: () => undefined };
  }
  let crc = 0;
  const packer = makeDeflater(async (packed) => {
    crc = crc32(packed, crc);
    await append(state, packed);
  });
  return { packer, packedCrc32: () => crc };
}

async function append(state: State, data: Buffer) {
  await writeAt(state.file, data, { position: state.position, path: state.path });
  state.position += data.length;
  try {
    state.disk.wrote(data.length);
  } catch (error) {
    throw writeFailure(state.path, error);
  }
}
