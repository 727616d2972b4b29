import { createHash } from "node:crypto";
import type { SQLOutputValue } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import type { DocumentRecord, DocumentRecords, KnownDocument, Origin } from "../../core/ledger.ts";
import { guard, transaction } from "./database.ts";
import type { Names, Numbers } from "./numbers.ts";

const select =
  "SELECT hash, previous, run, origin, overwrote, scope FROM documents WHERE collection = ? AND id = ?";

/**
 * `previous` is what the destination may still hold as ours if this write is never done: what it
 * is known to hold, when that is one of the older record's two hashes; else the older hash.
 */
const upsert = `
  INSERT INTO documents (collection, id, hash, previous, run, origin, overwrote, scope)
  VALUES (:collection, :id, :hash, NULL, :run, :run, :overwrites, :scope)
  ON CONFLICT DO UPDATE SET
    previous = CASE
      WHEN :destination IS NULL THEN iif(hash = :hash, previous, hash)
      WHEN :destination = :hash THEN NULL
      WHEN :destination IN (hash, previous) THEN :destination
    END,
    origin = iif(:overwrites, :run, origin),
    overwrote = iif(:overwrites, 1, overwrote),
    scope = coalesce(:scope, scope),
    hash = :hash, run = :run`;

const takeBack = `
  UPDATE documents SET hash = :hash, previous = NULL, run = :run
  WHERE collection = :collection AND id = :id`;

export function openDocumentLedger(names: Names, scope?: string): DocumentRecords {
  const { database, path, runs, scopes, collections, unsorted } = names;
  const find = database.prepare(select);
  const intend = database.prepare(upsert);
  const remove = database.prepare("DELETE FROM documents WHERE collection = ? AND id = ?");
  const revert = database.prepare(takeBack);
  /** What is newest is in the table only once it was sorted in. */
  function onSorted<T>(work: () => T): T {
    return guard(path, () => {
      unsorted.sort();
      return work();
    });
  }
  const numbersOf = (collection: string, run: string) => {
    return { collection: collections.numberOf(collection), run: runs.numberOf(run) };
  };
  const scopeNumber = () => (scope === undefined ? null : scopes.numberOf(scope));
  return {
    async prepareLookups() {
      while (guard(path, unsorted.sortSome)) await setImmediate();
    },
    collections: () => collections.names(),
    known(collection, ids) {
      const number = collections.find(collection);
      if (number === undefined) return ids.map(() => undefined);
      return onSorted(() => ids.map((id) => knownOf(find.get(number, keyOf(id)), names)));
    },
    get(collection, ids) {
      const number = collections.find(collection);
      if (number === undefined) return ids.map(() => undefined);
      return onSorted(() => ids.map((id) => recordOf(find.get(number, keyOf(id)), runs)));
    },
    intend(collection, run, entries) {
      onSorted(() => {
        const numbers = { ...numbersOf(collection, run), scope: scopeNumber() };
        transaction(database, () => {
          for (const { id, hash, destination = null, overwrites = false } of entries) {
            const values = { id: keyOf(id), hash, destination, overwrites: Number(overwrites) };
            intend.run({ ...numbers, ...values });
          }
        });
      });
    },
    intendNew(collection, run, entries) {
      guard(path, () => {
        const origin = { ...numbersOf(collection, run), scope: scopeNumber() };
        unsorted.append(origin, entries, ({ id, hash }) => ({ key: keyOf(id), hash }));
      });
    },
    revert(collection, run, entries) {
      onSorted(() => {
        const numbers = numbersOf(collection, run);
        transaction(database, () => {
          for (const { id, hash } of entries) revert.run({ ...numbers, id: keyOf(id), hash });
        });
      });
    },
    forget(collection, ids) {
      const number = collections.find(collection);
      if (number === undefined) return;
      onSorted(() =>
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

type Row = Record<string, SQLOutputValue>;

function knownOf(row: Row | undefined, names: Names): KnownDocument | undefined {
  const record = recordOf(row, names.runs);
  if (row === undefined || record === undefined) return undefined;
  return { record, origin: originOf(row, names) };
}

/** What an older version did not record is taken for unknown, and for overwritten by nobody. */
export function originOf({ origin, overwrote, scope }: Row, { runs, scopes }: Names): Origin {
  return {
    ...(origin === null ? {} : { run: runs.nameOf(Number(origin)) }),
    ...(scope === null ? {} : { scope: scopes.nameOf(Number(scope)) }),
    overwrote: Number(overwrote) === 1,
  };
}

function recordOf(row: Row | undefined, runs: Numbers): DocumentRecord | undefined {
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
