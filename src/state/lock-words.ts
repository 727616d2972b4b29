import { MigrationError } from "../core/errors.ts";
import type { ClaimRecord, LockRecord } from "./lock-record.ts";

type Found = LockRecord | ClaimRecord | undefined;

/** That a lock is another's; `what` is a folder or a destination. */
export function inUse(what: string, by: Found): MigrationError {
  return new MigrationError("E_LOCKED", `"${what}" is in use by ${describeHolder(by)}`, {
    hint: "Wait until it ends (--wait-lock), or stop it: its lock is taken over once it is gone",
    fields: { what, ...by?.owner, ...claimOf(by) },
  });
}

export function lost(what: string, by: Found): MigrationError {
  return new MigrationError("E_LOCKED", `The lock of "${what}" was lost to ${describeHolder(by)}`, {
    hint: "Leave the work to that process; see the status",
    fields: { what, ...by?.owner, ...claimOf(by) },
  });
}

/** Its sign of life could not be written for so long that others take it for dead. */
export function silent(what: string, cause: unknown): MigrationError {
  return new MigrationError("E_LOCKED", `The lock of "${what}" could not be kept alive`, {
    cause,
    hint: "Check the volume, and start again: another process may have taken the work over",
    fields: { what },
  });
}

export function interruptedWait(what: string, cause: unknown): MigrationError {
  return new MigrationError("E_INTERRUPTED", `Stopped while waiting for the lock of "${what}"`, {
    cause,
  });
}

/** "process 7 on host "a" since …", and the migration where the lock tells it. */
export function describeHolder(record: Found): string {
  if (record === undefined) return "an unknown process";
  const since = new Date(record.since).toISOString();
  const process = `process ${record.owner.pid} on host "${record.owner.host}" since ${since}`;
  if (!("migration" in record)) return process;
  return `the migration "${record.migration}" of ${record.scopes.join(", ")}: ${process}`;
}

function claimOf(record: Found) {
  if (record === undefined || !("migration" in record)) return {};
  return { migration: record.migration, scopes: record.scopes };
}
