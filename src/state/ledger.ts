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
import { openNumbers } from "./ledger/numbers.ts";

export interface LedgerOptions {
  clock: Clock;
  signal: AbortSignal;
  /** How long to wait for another process that has it open; 0 when absent. */
  waitSeconds?: number;
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
    const runs = openNumbers(database, "runs");
    return {
      documents: openDocumentLedger(database, path, runs),
      files: openFileLedger(database, path, runs),
      completions: openCompletions(database, path, runs),
      close: () => database.close(),
    };
  });
}

async function openWaiting(path: string, options: LedgerOptions): Promise<DatabaseSync> {
  const { clock, signal, waitSeconds = 0 } = options;
  const begin = clock.elapsed();
  for (;;) {
    try {
      return openDatabase(path);
    } catch (error) {
      const isLocked = hasCode(error, "E_LOCKED");
      if (!isLocked || clock.elapsed() - begin >= waitSeconds * 1000) throw error;
    }
    await sleep(500, undefined, { signal }).catch((cause) => {
      throw new MigrationError("E_INTERRUPTED", `Stopped while waiting for the ledger "${path}"`, {
        cause,
      });
    });
  }
}
