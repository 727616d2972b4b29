import { createHash } from "node:crypto";
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";

/** So many files of one size. */
interface Batch {
  count: number;
  bytes: number;
}

export interface DataSet {
  name: string;
  batches: readonly Batch[];
}

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

/** What the goals speak of, or a share of it. */
export function dataSets(scale: number): DataSet[] {
  const some = (count: number) => Math.max(1, Math.round(count * scale));
  return [
    { name: `${some(100_000)} files of 8 KB`, batches: [{ count: some(100_000), bytes: 8000 }] },
    {
      name: `8 files of ${some(250)} MB`,
      batches: [{ count: 8, bytes: some(250) * 1_000_000 }],
    },
    {
      name: "a mix",
      batches: [
        { count: some(40_000), bytes: 8 * kibibyte },
        { count: some(3000), bytes: 200 * kibibyte },
        { count: some(40), bytes: 16 * mebibyte },
      ],
    },
  ];
}

/** A hundred thousand files, three gigabytes. */
export function serverSet(scale: number): DataSet {
  const some = (count: number) => Math.max(1, Math.round(count * scale));
  const batches = [
    { count: some(98_000), bytes: 8000 },
    { count: some(1960), bytes: mebibyte },
    { count: some(40), bytes: 4 * mebibyte },
  ];
  return { name: `${some(100_000)} files`, batches };
}

const perFolder = 500;
/** Whole seconds: what a tar archive can keep. */
const time = 1_700_000_000;

/** Makes the set's files in a new folder, each with other bytes; the same ones for the same seed. */
export async function makeFiles(folder: string, { batches }: DataSet, seed = "1") {
  for (const [at, { count, bytes }] of batches.entries()) {
    for (let number = 0; number < count; number++) {
      const parent = join(folder, `${at}`, `${Math.floor(number / perFolder)}`);
      if (number % perFolder === 0) mkdirSync(parent, { recursive: true });
      const path = join(parent, `image-${number}.jpg`);
      const block = noise(`${seed}/${at}/${number}`, Math.min(bytes, mebibyte));
      if (bytes <= mebibyte) writeFileSync(path, block);
      else await writeLarge(path, block, bytes);
      utimesSync(path, time, time + number);
    }
  }
}

/** Like what is compressed already: nothing in it can be compressed. */
function noise(seed: string, bytes: number): Buffer {
  return createHash("shake256", { outputLength: bytes }).update(seed).digest();
}

/** Each block differs from the one before, which rsync could find again. */
async function writeLarge(path: string, block: Buffer, bytes: number) {
  const file = await open(path, "w");
  try {
    for (let offset = 0; offset < bytes; offset += block.length) {
      for (let at = 0; at < block.length; at += 4096) block.writeUInt32LE(offset + at, at);
      await file.write(block.subarray(0, Math.min(block.length, bytes - offset)));
    }
  } finally {
    await file.close();
  }
}
