import type { DatabaseSync } from "node:sqlite";
import { transaction } from "./database.ts";

/** Records of new documents, in the order in which they came. */
export interface Unsorted {
  /** Adds records of one collection, run and scope, in one transaction. */
  append<T>(
    origin: UnsortedOrigin,
    entries: readonly T[],
    recordOf: (entry: T) => UnsortedRecord,
  ): void;
  /** Brings all of them to their places; to be called before the documents' table is used. */
  sort(): void;
  /** The same of a hundred thousand of them; false where there were none. */
  sortSome(): boolean;
}

interface UnsortedOrigin {
  collection: number;
  run: number;
  scope: number | null;
}

interface UnsortedRecord {
  key: Buffer;
  hash: Buffer;
}

/** How long it takes to sort them holds up everything else: some tenths of a second. */
const recordsAtOnce = 100_000;
/** A statement for each record costs as much again. */
const rowsOfStatement = 10;

const move = `
  INSERT OR REPLACE INTO documents
    (collection, id, hash, previous, run, origin, overwrote, scope)
    SELECT collection, id, hash, NULL, run, run, 0, scope FROM unsorted WHERE rowid <= ?
    ORDER BY collection, id, rowid`;

/**
 * Ids come in any order, and each of millions would be written into a page of its own. So they are
 * gathered behind each other, and put into their places together, page after page, once one is
 * looked up: after a plain restore that is never.
 */
export function openUnsorted(database: DatabaseSync): Unsorted {
  const one = database.prepare(insertOf(1));
  const several = database.prepare(insertOf(rowsOfStatement));
  const toMove = database.prepare(move);
  const toRemove = database.prepare("DELETE FROM unsorted WHERE rowid <= ?");
  const bounds = database.prepare("SELECT min(rowid) AS first, max(rowid) AS last FROM unsorted");
  const left = () => {
    const { first, last } = bounds.get() ?? {};
    return typeof first === "number" && typeof last === "number" ? { first, last } : undefined;
  };
  /** Whether there may be some, so that the table is not asked each time. */
  let isEmpty = left() === undefined;

  function sortSome(): boolean {
    const rows = isEmpty ? undefined : left();
    isEmpty = rows === undefined;
    if (rows === undefined) return false;
    const end = rows.first + recordsAtOnce - 1;
    transaction(database, () => {
      toMove.run(end);
      toRemove.run(end);
    });
    return true;
  }

  return {
    append({ collection, run, scope }, entries, recordOf) {
      isEmpty = false;
      const origin = [collection, run, scope];
      const whole = entries.length - (entries.length % rowsOfStatement);
      // A record is made when its turn comes: all of them at once would fill the heap.
      const valuesOf = (from: number, to: number) =>
        entries.slice(from, to).flatMap((entry) => {
          const { key, hash } = recordOf(entry);
          return [key, hash];
        });
      transaction(database, () => {
        for (let at = 0; at < whole; at += rowsOfStatement) {
          several.run(...origin, ...valuesOf(at, at + rowsOfStatement));
        }
        for (let at = whole; at < entries.length; at += 1) {
          one.run(...origin, ...valuesOf(at, at + 1));
        }
      });
    },
    sort() {
      while (sortSome());
    },
    sortSome,
  };
}

function insertOf(rows: number): string {
  const row = (index: number) => `(?1, ?${4 + 2 * index}, ?${5 + 2 * index}, ?2, ?3)`;
  const values = Array.from({ length: rows }, (_, index) => row(index));
  return `INSERT INTO unsorted (collection, id, hash, run, scope) VALUES ${values.join(", ")}`;
}
