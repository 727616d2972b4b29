import { open } from "node:fs/promises";
import { join } from "node:path";
import { MigrationError } from "../core/errors.ts";
import type { Difference } from "./prepare-collection-differences.ts";
import { idToJson } from "./restore-outcome.ts";
import type { Mismatch } from "./verify-collection.ts";

/** The documents that are not as they were restored: counted, and listed where that is wanted. */
export interface Mismatches {
  add(mismatch: Mismatch): Promise<void>;
  count(): number;
  first(): Mismatch | undefined;
  close(): Promise<void>;
}

export async function openMismatches(folder: string | undefined): Promise<Mismatches> {
  const file =
    folder === undefined ? undefined : await open(join(folder, "mismatches.ndjson"), "w");
  let count = 0;
  let first: Mismatch | undefined;
  return {
    async add(mismatch) {
      count++;
      first ??= mismatch;
      const { id, ...rest } = mismatch;
      const ids = id === undefined ? {} : { id: idToJson(id), idBytes: id.toString("base64") };
      await file?.appendFile(`${JSON.stringify({ ...rest, ...ids })}\n`);
    },
    count: () => count,
    first: () => first,
    async close() {
      await file?.sync();
      await file?.close();
    },
  };
}

/** Throws E_INTEGRITY with the first of what differs, documents before what is around them. */
export function throwOnMismatch(
  mismatches: Mismatches,
  structure: readonly Difference[],
  folder: string | undefined,
) {
  const first = mismatches.first();
  if (first !== undefined) {
    const id = first.id === undefined ? "without _id" : JSON.stringify(idToJson(first.id));
    throw new MigrationError(
      "E_INTEGRITY",
      `${mismatches.count()} documents are not at the destination as they were restored; the first, ` +
        `${id} of "${first.collection}", ${words[first.what]}`,
      {
        hint:
          folder === undefined
            ? "Restore again: what is missing or differs is brought or listed"
            : `See "${join(folder, "mismatches.ndjson")}" for all of them`,
        fields: { mismatches: mismatches.count() },
      },
    );
  }
  const [difference] = structure;
  if (difference === undefined) return;
  throw new MigrationError(
    "E_INTEGRITY",
    `The ${difference.what} "${difference.name}" of "${difference.collection}" is not at the ` +
      `destination as it was restored, and ${structure.length - 1} more`,
    {
      hint: "Look for who changed it, then run the restore again",
      fields: { differences: structure.slice(0, 10) },
    },
  );
}

const words = {
  missing: "is missing",
  differs: "differs",
  undecided: "has no verdict",
} as const;
