import { closeSync, fsyncSync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { failpoint } from "../core/failpoints.ts";
import { makeForGroup } from "../core/private-files.ts";
import { schema } from "./inventory-schema.ts";

export interface Connection {
  /** A statement, prepared once; integers are read as bigints. */
  sql(text: string): StatementSync;
  /** The same, whose rows are arrays. */
  rows(text: string): StatementSync;
  transaction(work: () => void): void;
  /** From now on what is written is kept for good, and what was written before is by the return. */
  harden(): void;
  close(): void;
}

/** Where it is `soft`, a power cut may leave anything in the file, until `harden`. */
export function openConnection(file: string, { soft }: { soft: boolean }): Connection {
  makeForGroup(file);
  const db = new DatabaseSync(file);
  db.exec(schema);
  db.exec(`PRAGMA synchronous = ${soft ? "OFF" : "NORMAL"}`);
  const prepare = (text: string) => {
    const made = db.prepare(text);
    made.setReadBigInts(true);
    return made;
  };
  const sql = once(prepare);
  const rows = once((text) => {
    const made = prepare(text);
    made.setReturnArrays(true);
    return made;
  });
  function transaction(work: () => void) {
    db.exec("BEGIN IMMEDIATE");
    try {
      work();
      failpoint("inventory.beforeCommit");
      db.exec("COMMIT");
      failpoint("inventory.afterCommit");
    } catch (error) {
      // A full disk has rolled it back already.
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  }
  function harden() {
    const fd = openSync(file, "r");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    db.exec("PRAGMA synchronous = NORMAL");
  }
  return { sql, rows, transaction, harden, close: () => db.close() };
}

/** Makes each statement once. */
function once(make: (text: string) => StatementSync): (text: string) => StatementSync {
  const statements = new Map<string, StatementSync>();
  return (text) => {
    const known = statements.get(text);
    if (known !== undefined) return known;
    const made = make(text);
    statements.set(text, made);
    return made;
  };
}
