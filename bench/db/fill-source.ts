import { MongoClient } from "mongodb";
import { insertRaw } from "../../test/support/raw-bson.ts";
import type { Shape } from "./shapes.ts";

const bytesAtOnce = 4_000_000;
const documentsAtOnce = 2000;
const insertsInFlight = 2;

/** Puts a share of every shape's documents, and its indexes, into an empty database. */
export async function fillSource(
  { uri, database }: { uri: string; database: string },
  shapes: readonly Shape[],
  scale: number,
): Promise<void> {
  const client = await MongoClient.connect(uri);
  try {
    const db = client.db(database);
    for (const shape of shapes) {
      await db.createCollection(shape.name, shape.options);
      let running: Promise<void>[] = [];
      for (const batch of batchesOf(shape, scale)) {
        running.push(insertRaw(db, shape.name, batch, { ordered: false }));
        if (running.length < insertsInFlight) continue;
        await Promise.all(running);
        running = [];
      }
      await Promise.all(running);
      const { indexes } = shape;
      if (indexes.length > 0) await db.command({ createIndexes: shape.name, indexes });
    }
  } finally {
    await client.close();
  }
}

export function documentsOf({ documents }: Shape, scale: number): number {
  return Math.max(1, Math.round(documents * scale));
}

function* batchesOf(shape: Shape, scale: number): Generator<Buffer> {
  const count = documentsOf(shape, scale);
  const atOnce = Math.max(1, Math.min(documentsAtOnce, Math.floor(bytesAtOnce / shape.bytes)));
  for (let first = 0; first < count; first += atOnce) {
    const many = Math.min(atOnce, count - first);
    const batch = Buffer.allocUnsafe(many * shape.bytes);
    let end = 0;
    for (let number = first; number < first + many; number += 1) {
      end = shape.write(batch, end, number);
    }
    yield batch;
  }
}
