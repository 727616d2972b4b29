import type { FileHandle } from "node:fs/promises";
import { MigrationError } from "../../core/errors.ts";
import { makeDeflater, makeStorer, type Packer } from "./deflate.ts";
import { type Digest, makeDigest } from "./digest.ts";
import { directory, type EntryRecord, localHeader, methods } from "./layout.ts";
import { writeAt } from "./write-at.ts";

export type Compression = "deflate" | "store";

/** One entry being written; another can begin only after `end` or `abandon`. */
export interface EntryWriter {
  write(data: Buffer): Promise<void>;
  end(): Promise<Digest>;
  /** Takes the entry back: the file is cut where it began. */
  abandon(): Promise<void>;
}

export interface ZipWriter {
  /** Where the next entry will start. */
  offset(): number;
  begin(name: string, compression: Compression): EntryWriter;
  /** Of an entry that was ended. */
  record(name: string): EntryRecord | undefined;
  /** Writes the directory. */
  finish(): Promise<void>;
}

interface State {
  file: FileHandle;
  path: string;
  position: number;
  entries: EntryRecord[];
  names: Set<string>;
}

/** Writes a zip file into a file that is open for writing and empty. */
export function makeZipWriter(file: FileHandle, path: string): ZipWriter {
  const state: State = { file, path, position: 0, entries: [], names: new Set() };
  return {
    offset: () => state.position,
    begin: (name, compression) => beginEntry(state, name, compression),
    record: (name) => state.entries.find((entry) => entry.name === name),
    finish: () => append(state, directory(state.entries, state.position)),
  };
}

function beginEntry(state: State, name: string, compression: Compression): EntryWriter {
  if (state.names.has(name)) {
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
  const sink = (packed: Buffer) => append(state, packed);
  const packer: Packer = compression === "store" ? makeStorer(sink) : makeDeflater(sink);
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
      await writeAt(state.file, localHeader(record), { position: start, path: state.path });
      state.entries.push(record);
      state.names.add(name);
      return found;
    },
    async abandon() {
      await packer.abandon();
      state.position = start;
      await state.file.truncate(start);
    },
  };
}

async function append(state: State, data: Buffer) {
  await writeAt(state.file, data, { position: state.position, path: state.path });
  state.position += data.length;
}
