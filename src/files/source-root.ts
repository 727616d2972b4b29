import { opendirSync, statSync } from "node:fs";
import { codeOf, MigrationError } from "../core/errors.ts";
import type { Inventory } from "./inventory.ts";

/** The source's folder, as it was when work on it began. */
export interface SourceRoot {
  /** Throws E_UNAVAILABLE where another folder is there by now, or none. */
  check(): void;
  /** Throws E_UNAVAILABLE where names were listed and there is not a single one. */
  requireContent(inventory: Inventory): void;
}

/**
 * A volume that goes away leaves an empty folder, or one that answers nothing: what is not found
 * there did not vanish.
 */
export function openSourceRoot(path: string): SourceRoot {
  const begun = identityOf(path);
  return {
    check() {
      if (identityOf(path) === begun) return;
      throw gone(path, "another folder is there by now");
    },
    requireContent: (inventory) => requireContent(path, inventory),
  };
}

function identityOf(path: string): string {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    throw gone(path, `${codeOf(error)}`, error);
  }
}

function requireContent(path: string, inventory: Inventory) {
  const { files } = inventory.count();
  // The folder itself is one.
  if (files <= 1 || !isEmpty(path)) return;
  throw gone(path, `it is empty, and ${files - 1} names were listed in it`);
}

function isEmpty(path: string): boolean {
  const folder = opendirSync(path);
  try {
    return folder.readSync() === null;
  } finally {
    folder.closeSync();
  }
}

function gone(path: string, what: string, cause?: unknown): MigrationError {
  return new MigrationError("E_UNAVAILABLE", `The source folder "${path}" went away: ${what}`, {
    cause,
    hint: "See that its volume is mounted there again, then start again: it goes on where it stopped",
  });
}
