import { createHash } from "node:crypto";
import { MongoClient } from "mongodb";
import { idKey, type Value } from "../fixtures/server/bson.ts";
import type { Hashes } from "../fixtures/server/oracle.ts";

/** The hash of each document's very bytes in a database, in the form of the fixture's oracle. */
export async function readHashes(uri: string, database: string): Promise<Hashes> {
  const client = new MongoClient(uri);
  try {
    const db = client.db(database);
    const hashes: Hashes = {};
    for await (const { name } of db.listCollections({ type: "collection" })) {
      if (name.startsWith("system.")) continue;
      const members: Record<string, string> = {};
      for await (const raw of db.collection(name).find({}, { raw: true })) {
        const bytes = Buffer.from(raw as unknown as Uint8Array);
        members[idKey(idOf(bytes))] = createHash("sha256").update(bytes).digest("hex");
      }
      // A collection without documents is no more to be seen in the oracle than a missing one.
      if (Object.keys(members).length > 0) hashes[name] = members;
    }
    return hashes;
  } finally {
    await client.close();
  }
}

/** The server keeps `_id` as the first field, so its type follows the document's length. */
function idOf(raw: Buffer): Value {
  const type = raw[4]!;
  const start = raw.indexOf(0, 5) + 1;
  return { type, bytes: raw.subarray(start, start + valueSize(type, raw, start)) };
}

/** The sizes of the types that an `_id` may have. */
function valueSize(type: number, raw: Buffer, at: number): number {
  const fixed: Record<number, number> = { 1: 8, 7: 12, 8: 1, 9: 8, 10: 0, 16: 4 };
  Object.assign(fixed, { 17: 8, 18: 8, 19: 16, 127: 0, 255: 0 });
  const size = fixed[type];
  if (size !== undefined) return size;
  const length = raw.readInt32LE(at);
  if (type === 0x03 || type === 0x0f) return length;
  return length + (type === 0x05 ? 5 : 4);
}
