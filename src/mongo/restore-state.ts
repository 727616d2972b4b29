import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../core/atomic-file.ts";
import { codeOf } from "../core/errors.ts";
import { withRoom } from "../core/no-space.ts";

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
  refusedIndexes: z.array(RefusedIndex),
});
export type RestoreState = z.infer<typeof RestoreState>;

const fileName = "restore.json";

/** What an earlier restore into this folder left; undefined when there is nothing readable. */
export async function readRestoreState(out: string): Promise<RestoreState | undefined> {
  try {
    const parsed = RestoreState.safeParse(JSON.parse(await readFile(join(out, fileName), "utf8")));
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (codeOf(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export async function writeRestoreState(out: string, state: RestoreState): Promise<void> {
  const text = `${JSON.stringify(state, undefined, 2)}\n`;
  const room = { what: "the restore's state", folder: out, neededBytes: Buffer.byteLength(text) };
  await withRoom(room, () => writeFileAtomic(join(out, fileName), text));
}
