import { join } from "node:path";
import { findLock } from "./lock-file.ts";
import { currentOwner, isAlive } from "./lock-owner.ts";

/**
 * Whether the process that works on a migration lives; undefined when that cannot be seen from
 * this machine. Makes nothing.
 */
export async function holderLives(folder: string): Promise<boolean | undefined> {
  const found = await findLock(join(folder, "lock"));
  if (found?.record === undefined || found.record.released) return false;
  return isAlive(found.record.owner, currentOwner());
}
