import { randomUUID } from "node:crypto";
import { existsSync, linkSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { codeOf, MigrationError } from "../../core/errors.ts";
import { failpoint } from "../../core/failpoints.ts";
import { isFull, noSpace } from "../../core/no-space.ts";
import { makeForGroup } from "../../core/private-files.ts";
import { sqliteResultOf, sqliteResults } from "../../core/sqlite-result.ts";

const ledgerVersion = 3;

/** Format 1 did not have them. */
const origins = ["origin INTEGER", "overwrote INTEGER", "scope INTEGER"];
const originColumns = origins.join(", ");
const scopes = "CREATE TABLE scopes (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);";

/** Formats 1 and 2 did not have it. */
const unsorted = `
  CREATE TABLE unsorted (
    collection INTEGER NOT NULL, id BLOB NOT NULL, hash BLOB NOT NULL, run INTEGER NOT NULL,
    scope INTEGER
  );`;

const tables = `
  ${scopes}
  ${unsorted}
  CREATE TABLE collections (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE runs (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE documents (
    collection INTEGER NOT NULL, id BLOB NOT NULL,
    hash BLOB NOT NULL, previous BLOB, run INTEGER NOT NULL,
    ${originColumns},
    PRIMARY KEY (collection, id)
  ) WITHOUT ROWID;
  CREATE TABLE files (
    path BLOB NOT NULL PRIMARY KEY, type TEXT NOT NULL, size INTEGER NOT NULL, mtime NOT NULL,
    mode INTEGER NOT NULL, uid INTEGER NOT NULL, gid INTEGER NOT NULL,
    source_ctime NOT NULL, destination_ctime NOT NULL, hash BLOB, ours INTEGER NOT NULL,
    run INTEGER NOT NULL, state TEXT NOT NULL,
    previous_size INTEGER, previous_mtime, previous_ctime,
    ${originColumns}, other_volume INTEGER
  ) WITHOUT ROWID;
  CREATE TABLE completions (
    part TEXT NOT NULL, scope TEXT NOT NULL, run INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (part, scope)
  ) WITHOUT ROWID;
  PRAGMA user_version = ${ledgerVersion};
`;

/**
 * Opens the ledger's database for this process alone and makes it when there is none.
 *
 * `synchronous=NORMAL`: a power cut may undo the last transactions, never a kill. An intent that is
 * undone makes its document look like somebody else's, which is kept and listed, not overwritten.
 */
export function openDatabase(path: string): DatabaseSync {
  return guard(path, () => {
    if (!existsSync(path)) createDatabase(path);
    const database = new DatabaseSync(path, { timeout: 200 });
    try {
      prepareDatabase(database, path);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/** Made whole before it gets its name, so that an empty file is never of our making. */
function createDatabase(path: string) {
  const temporary = `${path}.${randomUUID()}`;
  try {
    makeForGroup(temporary);
    const database = new DatabaseSync(temporary);
    database.exec(`BEGIN; ${tables} COMMIT`);
    database.close();
    failpoint("ledger.beforeMake");
    linkSync(temporary, path);
    failpoint("ledger.afterMake");
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function prepareDatabase(database: DatabaseSync, path: string) {
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  database.exec("BEGIN EXCLUSIVE; COMMIT");
  database.exec("PRAGMA journal_mode = TRUNCATE");
  database.exec("PRAGMA synchronous = NORMAL");
  database.exec("PRAGMA cache_size = -12288");
  const { user_version } = database.prepare("PRAGMA user_version").get() ?? {};
  const version = Number(user_version);
  if (version > ledgerVersion) throw newerLedger(path, version);
  if (version < 1) throw damaged(path, undefined);
  if (version < ledgerVersion) transaction(database, () => database.exec(upgradeFrom(version)));
}

/** In format 1 it is not known where its records came from. */
function upgradeFrom(version: number): string {
  const columns = ["documents", "files"].flatMap((table) =>
    origins.map((column) => `ALTER TABLE ${table} ADD COLUMN ${column};`),
  );
  const volume = "ALTER TABLE files ADD COLUMN other_volume INTEGER;";
  const fromFirst = version < 2 ? [scopes, ...columns, volume] : [];
  return [...fromFirst, unsorted, `PRAGMA user_version = ${ledgerVersion};`].join(" ");
}

/** Runs `work` in one transaction; an error takes all of it back. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    failpoint("ledger.beforeCommit");
    database.exec("COMMIT");
    failpoint("ledger.afterCommit");
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

/** Gives the errors of SQLite our form, naming the ledger's file. */
export function guard<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translate(path, error);
  }
}

function translate(path: string, error: unknown): unknown {
  const sqlite = sqliteResultOf(error);
  if (sqlite === undefined) return error;
  if (isFull(error)) return noSpace({ what: "the ledger", folder: dirname(path) }, error);
  switch (sqlite) {
    case sqliteResults.busy:
    case sqliteResults.locked:
      return lockedLedger(path, error);
    case sqliteResults.corrupt:
    case sqliteResults.notDb:
    case sqliteResults.io:
      return damaged(path, error);
    case sqliteResults.open:
    case sqliteResults.readOnly:
      return new MigrationError("E_PERMISSION", `Cannot open the ledger "${path}" for writing`, {
        cause: error,
        hint: "Check that its folder exists and may be written",
        fields: { path, sqlite },
      });
    default:
      return error;
  }
}

function lockedLedger(path: string, cause: unknown): MigrationError {
  return new MigrationError("E_LOCKED", `The ledger "${path}" is in use by another process`, {
    cause,
    hint: "Wait until the other migration between these two servers ends, then start again",
    fields: { path },
  });
}

function damaged(path: string, cause: unknown): MigrationError {
  return new MigrationError("E_INTEGRITY", `The ledger "${path}" is damaged`, {
    cause,
    hint: "Check the volume and restore the file from a backup; without it, what differs at the destination counts as a conflict",
    fields: { path },
  });
}

function newerLedger(path: string, version: number): MigrationError {
  const message = `The ledger "${path}" has format ${version}, but this program knows formats up to ${ledgerVersion}`;
  return new MigrationError("E_VERSION", message, {
    hint: "Use the version of the program that wrote it, or a newer one",
  });
}
