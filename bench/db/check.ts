import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { execa } from "execa";
import { dbHash, indexesOf } from "../../test/support/peers.ts";
import type { Bed, Server } from "./bed.ts";
import { documentsOf } from "./fill-source.ts";

/** Throws unless the destination holds every document, byte for byte, and every index. */
export async function requireEqual({ source, destination, database }: Bed): Promise<void> {
  for (const look of [dbHash, indexesOf]) {
    const expected = await look(source.uri, database);
    const found = await look(destination.uri, database);
    if (Object.keys(expected).length === 0) throw new Error("The source has no collections");
    if (!isDeepStrictEqual(found, expected)) {
      throw new Error(`${look.name} of the destination is not that of the source`);
    }
  }
}

/** Throws unless the destination has as many documents as the source. */
export async function requireCounts(bed: Bed): Promise<void> {
  for (const { name } of bed.shapes) {
    const [expected, found] = await Promise.all([
      countOf(bed.source, bed.database, name),
      countOf(bed.destination, bed.database, name),
    ]);
    if (found !== expected) throw new Error(`"${name}" has ${found} of ${expected} documents`);
  }
}

/** Throws unless unzip finds the archive whole, with every document of the source. */
export async function requireArchive(bed: Bed, archive: string): Promise<void> {
  await execa("unzip", ["-tq", archive]);
  const { stdout } = await execa("unzip", ["-p", archive, "manifest.json"]);
  const { collections } = JSON.parse(stdout) as {
    collections: { name: string; documents: number }[];
  };
  for (const shape of bed.shapes) {
    const found = collections.find(({ name }) => name === shape.name)?.documents;
    requireSame(
      `documents of "${shape.name}" in the archive`,
      found,
      documentsOf(shape, bed.scale),
    );
  }
}

/** Throws unless a folder of mongodump has every byte of the source; packed ones are not unpacked. */
export function requireDump(bed: Bed, dump: string): void {
  for (const shape of bed.shapes) {
    const path = join(dump, bed.database, `${shape.name}.bson`);
    if (statSync(`${path}.gz`, { throwIfNoEntry: false }) !== undefined) continue;
    const expected = documentsOf(shape, bed.scale) * shape.bytes;
    requireSame(`bytes of "${shape.name}" in the dump`, statSync(path).size, expected);
  }
}

/** The bytes of a file, or of all files below a folder. */
export function sizeOf(path: string): number {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

export function requireSame(what: string, found: unknown, expected: unknown): void {
  if (isDeepStrictEqual(found, expected)) return;
  throw new Error(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`);
}

function countOf({ client }: Server, database: string, collection: string): Promise<number> {
  return client.db(database).collection(collection).countDocuments();
}
