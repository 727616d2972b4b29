import { existsSync, rmSync } from "node:fs";
import { MigrationError } from "../core/errors.ts";
import { failpoint } from "../core/failpoints.ts";
import type { VerdictCounts } from "../core/verdict.ts";
import type { FileEntry } from "./entry.ts";
import { openConnection } from "./inventory-connection.ts";
import type { EntryFilter, InventoryEntry, Outcome, Selected } from "./inventory-entry.ts";
import {
  countEntries,
  countVerdicts,
  readEntry,
  readLinkGroups,
  readMissing,
  readNote,
  readPages,
  readPaths,
} from "./inventory-read.ts";
import { insertAll, insertMissing, ownAll, updateAll } from "./inventory-write.ts";

/** The item's list of files: one SQLite file with one writer, entries in the order of their bytes. */
export interface Inventory {
  /** Adds entries in one transaction; for a path that is known only the marks are merged. */
  add(entries: Iterable<FileEntry & Selected>): void;
  /** Marks everything at and below the paths as owned. */
  own(paths: Iterable<Buffer>): void;
  /** Entries in path order, `pageSize` at a time; they may be updated between the pages. */
  pages(filter?: EntryFilter): Generator<InventoryEntry[]>;
  /** The paths alone, as `pages` has them. */
  paths(filter?: EntryFilter): Generator<Buffer[]>;
  get(path: Buffer): InventoryEntry | undefined;
  update(changes: Iterable<{ path: Buffer; outcome: Partial<Outcome> }>): void;
  /** Groups of names of one file, of which the inventory holds at least one, with more than one name. */
  linkGroups(): Generator<InventoryEntry[]>;
  missing(): { path: Buffer; reason: string }[];
  addMissing(paths: Iterable<{ path: Buffer; reason: string }>): void;
  count(filter?: EntryFilter): { files: number; bytes: number; allocated: number };
  verdicts(): { counts: VerdictCounts; bytes: VerdictCounts };
  note(name: string): string | undefined;
  setNote(name: string, value: string): void;
  /** Says that it is complete, once all of it is on the disk. */
  complete(): void;
  close(): void;
}

/** Begins an inventory anew, whatever was there. */
export function createInventory(file: string): Inventory {
  for (const suffix of ["", "-journal"]) rmSync(file + suffix, { force: true });
  const inventory = connect(file, { soft: true });
  inventory.setNote("complete", "no");
  failpoint("inventory.afterMake");
  return inventory;
}

/** Opens an inventory that was taken to its end; throws E_INTEGRITY for another one. */
export function openInventory(file: string): Inventory {
  const hint = "Run the inventory step again";
  if (!existsSync(file)) {
    throw new MigrationError("E_INTEGRITY", `There is no inventory "${file}"`, { hint });
  }
  const inventory = connect(file, { soft: false });
  if (inventory.note("complete") === "yes") return inventory;
  inventory.close();
  throw new MigrationError("E_INTEGRITY", `The inventory "${file}" is not complete`, { hint });
}

function connect(file: string, how: { soft: boolean }): Inventory {
  const connection = openConnection(file, how);
  const { sql, transaction } = connection;
  function setNote(name: string, value: string) {
    sql("INSERT OR REPLACE INTO notes VALUES (?, ?)").run(name, value);
  }
  return {
    add: (entries) => transaction(() => insertAll(connection, entries)),
    own: (paths) => transaction(() => ownAll(connection, paths)),
    pages: (filter = {}) => readPages(connection, filter),
    paths: (filter = {}) => readPaths(connection, filter),
    get: (path) => readEntry(connection, path),
    update: (changes) => transaction(() => updateAll(connection, changes)),
    linkGroups: () => readLinkGroups(connection),
    missing: () => readMissing(connection),
    addMissing: (paths) => transaction(() => insertMissing(connection, paths)),
    count: (filter = {}) => countEntries(connection, filter),
    verdicts: () => countVerdicts(connection),
    note: (name) => readNote(connection, name),
    setNote,
    complete() {
      connection.harden();
      setNote("complete", "yes");
    },
    close: connection.close,
  };
}
