import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { withRoom } from "../core/no-space.ts";
import { noVerdicts, type Verdict, type VerdictCounts, verdicts } from "../core/verdict.ts";
import { escapeCollectionName } from "./metadata.ts";

/** One byte for each document of a collection, by its position in the archive. */
export interface VerdictFile {
  /** The verdicts from `first` on; undefined where there is none yet. */
  read(first: number, count: number): Promise<(Verdict | undefined)[]>;
  /** Only for what is acknowledged and durable: a document with a verdict is never looked at again. */
  write(first: number, values: readonly (Verdict | undefined)[]): Promise<void>;
  /** All verdicts, counted from the file. */
  tally(): Promise<{ counts: VerdictCounts; undecided: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

const windowBytes = 64 * 1024;

/** Opens or makes the file of a collection with `documents` documents. */
export async function openVerdictFile(
  path: string,
  documents: number,
  mode: "read" | "write" = "write",
): Promise<VerdictFile> {
  const file = await openFile(path, mode);
  return {
    read: (first, count) => readVerdicts(file, first, count),
    async write(first, values) {
      const bytes = Buffer.from(values.map(toByte));
      const room = { what: "the verdicts", folder: dirname(path), neededBytes: bytes.length };
      await withRoom(room, () => writeWhole(file, bytes, first));
    },
    tally: () => tally(file, documents),
    sync: () => file.sync(),
    close: () => file.close(),
  };
}

async function openFile(path: string, mode: "read" | "write"): Promise<FileHandle> {
  if (mode === "read") return open(path, "r");
  await (await open(path, "a")).close();
  return open(path, "r+");
}

/** Documents that have no byte yet, as the file is shorter, have no verdict. */
async function readVerdicts(file: FileHandle, first: number, count: number) {
  const bytes = Buffer.alloc(count);
  let filled = 0;
  while (filled < count) {
    const { bytesRead } = await file.read(bytes, filled, count - filled, first + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return Array.from(bytes, (byte) => fromByte(byte));
}

async function writeWhole(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const left = bytes.length - written;
    const result = await file.write(bytes, written, left, position + written);
    written += result.bytesWritten;
  }
}

async function tally(file: FileHandle, documents: number) {
  const counts = noVerdicts();
  let undecided = 0;
  for (let first = 0; first < documents; first += windowBytes) {
    const values = await readVerdicts(file, first, Math.min(windowBytes, documents - first));
    for (const value of values) {
      if (value === undefined) undecided++;
      else counts[value]++;
    }
  }
  return { counts, undecided };
}

function toByte(verdict: Verdict | undefined): number {
  return verdict === undefined ? 0 : verdicts.indexOf(verdict) + 1;
}

function fromByte(byte: number): Verdict | undefined {
  return verdicts[byte - 1];
}

/** The verdicts of the archive's collection at position `number`. */
export function verdictFileName(number: number, collection: string): string {
  return `${number}-${escapeCollectionName(collection)}.verdicts`;
}
