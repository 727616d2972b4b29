import { createHash } from "node:crypto";
import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import type { DocumentLedger, DocumentRecord } from "../../core/ledger.ts";
import { guard, transaction } from "./database.ts";
import { type Numbers, openNumbers } from "./numbers.ts";

const select = "SELECT hash, previous, run FROM documents WHERE collection = ? AND id = ?";

/**
 * `previous` is what the destination may still hold as ours if this write is never done: what it
 * is known to hold, when that is one of the older record's two hashes; else the older hash.
 */
const upsert = `
  INSERT INTO documents (collection, id, hash, previous, run) VALUES (:collection, :id, :hash, NULL, :run)
  ON CONFLICT DO UPDATE SET
    previous = CASE
      WHEN :destination IS NULL THEN iif(hash = :hash, previous, hash)
      WHEN :destination = :hash THEN NULL
      WHEN :destination IN (hash, previous) THEN :destination
    END,
    hash = :hash, run = :run`;

export function openDocumentLedger(
  database: DatabaseSync,
  path: string,
  runs: Numbers,
): DocumentLedger {
  const collections = openNumbers(database, "collections");
  const find = database.prepare(select);
  const intend = database.prepare(upsert);
  const remove = database.prepare("DELETE FROM documents WHERE collection = ? AND id = ?");
  return {
    get(collection, ids) {
      const number = collections.find(collection);
      if (number === undefined) return ids.map(() => undefined);
      return guard(path, () => ids.map((id) => recordOf(find.get(number, keyOf(id)), runs)));
    },
    intend(collection, run, entries) {
      guard(path, () => {
        const numbers = { collection: collections.numberOf(collection), run: runs.numberOf(run) };
        transaction(database, () => {
          for (const { id, hash, destination = null } of entries) {
            intend.run({ ...numbers, id: keyOf(id), hash, destination });
          }
        });
      });
    },
    forget(collection, ids) {
      const number = collections.find(collection);
      if (number === undefined) return;
      guard(path, () =>
        transaction(database, () => {
          for (const id of ids) remove.run(number, keyOf(id));
        }),
      );
    },
  };
}

const longestKey = 64;
const hashedMarker = Buffer.of(0);

/**
 * Long ids are kept as a zero byte and their SHA-256. An id that begins with a zero byte itself is
 * always hashed, so no id can look like the hash of another.
 */
function keyOf(id: Buffer): Buffer {
  if (id.length <= longestKey && id[0] !== 0) return id;
  return Buffer.concat([hashedMarker, createHash("sha256").update(id).digest()]);
}

function recordOf(
  row: Record<string, SQLOutputValue> | undefined,
  runs: Numbers,
): DocumentRecord | undefined {
  if (row === undefined) return undefined;
  const { hash, previous, run } = row;
  const record: DocumentRecord = { hash: bytes(hash), run: runs.nameOf(Number(run)) };
  if (previous !== null) record.previous = bytes(previous);
  return record;
}

/** A BLOB as a Buffer, not copied. */
export function bytes(value: SQLOutputValue | undefined): Buffer {
  if (!(value instanceof Uint8Array)) return Buffer.alloc(0);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
