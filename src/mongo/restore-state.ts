import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../core/atomic-file.ts";
import { withRoom } from "../core/no-space.ts";
import { readVersioned } from "../core/versioned-file.ts";

/** An index that the destination's server did not take, and why. */
const RefusedIndex = z.object({ collection: z.string(), name: z.string(), reason: z.string() });

/** What a restore must know of itself after an interruption. */
export const RestoreState = z.object({
  version: z.literal(1),
  run: z.string(),
  /** Tells one archive from another. */
  archive: z.string(),
  /** Collections and views of this run: recorded before they are made, so that a crash in between
   * does not leave one that nobody completes. */
  created: z.array(z.string()),
  /** Those of earlier runs of the same migration. */
  createdBefore: z.array(z.string()).default([]),
  refusedIndexes: z.array(RefusedIndex),
});
export type RestoreState = z.infer<typeof RestoreState>;

const fileName = "restore.json";

/**
 * What an earlier restore into this folder left; undefined where there was none. What is there and
 * cannot be used throws: begun from scratch, it would forget what it made and which indexes failed.
 */
export async function readRestoreState(out: string): Promise<RestoreState | undefined> {
  return await readVersioned({
    ...{ path: join(out, fileName), schema: RestoreState, what: "state of a restore" },
    hints: {
      version: "Use the version of the program that wrote it",
      damaged: "Look for what damaged it, then remove it: all documents are compared again",
    },
  });
}

export async function writeRestoreState(out: string, state: RestoreState): Promise<void> {
  const text = `${JSON.stringify(state, undefined, 2)}\n`;
  const room = { what: "the restore's state", folder: out, neededBytes: Buffer.byteLength(text) };
  await withRoom(room, () => writeFileAtomic(join(out, fileName), text));
}
