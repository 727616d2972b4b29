import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { makeFolder } from "../core/atomic-file.ts";
import type { Clock } from "../core/clock.ts";
import { hasCode, MigrationError } from "../core/errors.ts";
import type { Ledger } from "../core/ledger.ts";
import { openCompletions } from "./ledger/completions.ts";
import { guard, openDatabase } from "./ledger/database.ts";
import { openDocumentLedger } from "./ledger/documents.ts";
import { openFileLedger } from "./ledger/files.ts";
import { type Names, openNumbers } from "./ledger/numbers.ts";
import { openUnsorted } from "./ledger/unsorted.ts";

export interface LedgerOptions {
  clock: Clock;
  signal: AbortSignal;
  /** How long to wait for another process that has it open; 0 when absent. */
  waitSeconds?: number;
  /** Told once when it is waited for. */
  onWaiting?: () => void;
}

export interface OpenLedger extends Ledger {
  close(): void;
}

/** Opens the ledger in `folder` for this process alone and makes it when there is none. */
export async function openLedger(folder: string, options: LedgerOptions): Promise<OpenLedger> {
  await makeFolder(folder);
  const path = join(folder, "ledger.sqlite");
  const database = await openWaiting(path, options);
  return guard(path, () => {
    const names: Names = {
      ...{ database, path },
      collections: openNumbers(database, "collections"),
      runs: openNumbers(database, "runs"),
      scopes: openNumbers(database, "scopes"),
      unsorted: openUnsorted(database),
    };
    return { ...openParts(names), close: () => database.close() };
  });
}

function openParts(names: Names, scope?: string): Ledger {
  return {
    documents: openDocumentLedger(names, scope),
    files: openFileLedger(names, scope),
    completions: openCompletions(names.database, names.path, names.runs),
    inScope: (of) => openParts(names, of),
  };
}

async function openWaiting(path: string, options: LedgerOptions): Promise<DatabaseSync> {
  const { clock, signal, waitSeconds = 0, onWaiting } = options;
  const begin = clock.elapsed();
  let isTold = false;
  for (;;) {
    try {
      return openDatabase(path);
    } catch (error) {
      const isLocked = hasCode(error, "E_LOCKED");
      if (!isLocked || clock.elapsed() - begin >= waitSeconds * 1000) throw error;
    }
    if (!isTold) onWaiting?.();
    isTold = true;
    await sleep(500, undefined, { signal }).catch((cause) => {
      throw new MigrationError("E_INTERRUPTED", `Stopped while waiting for the ledger "${path}"`, {
        cause,
      });
    });
  }
}
