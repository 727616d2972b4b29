import type { MigrationError } from "../core/errors.ts";
import { isLockName, type LockPlace } from "../core/lock-place.ts";
import type { LockOwner } from "./lock-owner.ts";
import { ClaimRecord, parseRecord } from "./lock-record.ts";
import type { Patience } from "./lock-watch.ts";

/** Which migration writes to a destination, and what of it. */
export interface Claim {
  /** Another one for each attempt: nobody else makes a lock of that name. */
  name: string;
  migration: string;
  /** By `scopeText`. */
  scopes: readonly string[];
}

export interface ClaimOptions extends Patience {
  /** How messages name the destination. */
  label: string;
  owner?: LockOwner;
  /** Told at most once, with the E_LOCKED that `guard` throws from then on. */
  onLost?: (error: MigrationError) => void;
}

interface Found {
  text: string;
  record: ClaimRecord | undefined;
}

/** Every lock that is there. */
export async function readAll(place: LockPlace): Promise<Map<string, Found>> {
  const found = new Map<string, Found>();
  for (const name of (await place.names()).filter(isLockName)) {
    // One without a text is being made, or was by who is dead.
    const text = (await place.read(name)) ?? "";
    found.set(name, { text, record: parseRecord(ClaimRecord, text) });
  }
  return found;
}

/** Whether two migrations of these scopes write the same. */
export function overlap(some: readonly string[], others: readonly string[]): boolean {
  if (some.includes("server") || others.includes("server")) return true;
  return some.some((scope) => others.includes(scope));
}
