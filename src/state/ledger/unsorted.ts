import type { DatabaseSync } from "node:sqlite";
import { transaction } from "./database.ts";

/** Records of new documents, in the order in which they came. */
export interface Unsorted {
  /** Adds what `work` gives to `add`, in one transaction. */
  append(work: (add: (record: UnsortedRecord) => void) => void): void;
  /** Brings all of them to their places; to be called before the documents' table is used. */
  sort(): void;
}

interface UnsortedRecord {
  collection: number;
  key: Buffer;
  hash: Buffer;
  run: number;
  scope: number | null;
}

/** How long it takes to sort them holds up everything else: some tenths of a second. */
const mostRecords = 100_000;

const move = `
  INSERT OR REPLACE INTO documents
    (collection, id, hash, previous, run, origin, overwrote, scope)
    SELECT collection, id, hash, NULL, run, run, 0, scope FROM unsorted
    ORDER BY collection, id, rowid`;

/**
 * Ids come in any order, and each of millions would be written into a page of its own. So many are
 * gathered behind each other and put into their places together, page after page.
 */
export function openUnsorted(database: DatabaseSync): Unsorted {
  const insert = database.prepare("INSERT INTO unsorted VALUES (?, ?, ?, ?, ?)");
  const counted = database.prepare("SELECT count(*) AS records FROM unsorted").get();
  let records = Number(counted?.["records"]);
  function sort() {
    if (records === 0) return;
    transaction(database, () => {
      database.exec(move);
      database.exec("DELETE FROM unsorted");
    });
    records = 0;
  }
  return {
    sort,
    append(work) {
      let added = 0;
      transaction(database, () =>
        work(({ collection, key, hash, run, scope }) => {
          insert.run(collection, key, hash, run, scope);
          added += 1;
        }),
      );
      records += added;
      if (records >= mostRecords) sort();
    },
  };
}
