import { isDeepStrictEqual } from "node:util";
import { MongoClient } from "mongodb";
import { dbHash, indexesOf } from "../../test/support/peers.ts";
import type { BenchBed } from "../cluster/bed.ts";
import { fillSource } from "../db/fill-source.ts";
import { makeShapes } from "../db/shapes.ts";

const shapes = makeShapes(1);
/** Of the documents that these shapes have: one million. */
const share = 1_000_000 / shapes.reduce((sum, { documents }) => sum + documents, 0);

export async function fillDocuments({ source }: BenchBed, scale: number) {
  const { adminUri: uri, release } = source;
  await fillSource({ uri, database: release.database }, shapes, scale * share);
}

/** Throws unless every collection is there, byte for byte, with its indexes. */
export async function requireSameDocuments({ source, destination }: BenchBed) {
  for (const look of [dbHash, indexesAlone]) {
    const expected = await look(source.adminUri, source.release.database);
    const found = await look(destination.adminUri, destination.release.database);
    for (const { name } of shapes) {
      if (expected[name] === undefined) throw new Error(`The source has no "${name}"`);
      if (isDeepStrictEqual(found[name], expected[name])) continue;
      throw new Error(`${look.name} of "${name}" at the destination is not that of the source`);
    }
  }
}

/** Older servers name the namespace in each index. */
async function indexesAlone(uri: string, database: string): Promise<Record<string, unknown>> {
  const found = await indexesOf(uri, database);
  const withoutNamespace = (name: string, value: unknown) => (name === "ns" ? undefined : value);
  return JSON.parse(JSON.stringify(found, withoutNamespace));
}

export async function clearDocuments({ destination }: BenchBed) {
  const client = new MongoClient(destination.uri);
  try {
    await client.db(destination.release.database).dropDatabase();
  } finally {
    await client.close();
  }
}
