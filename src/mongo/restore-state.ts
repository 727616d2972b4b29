import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../core/atomic-file.ts";
import { codeOf, MigrationError } from "../core/errors.ts";
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
  const path = join(out, fileName);
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw error;
  });
  if (text === undefined) return undefined;
  const json = parseJson(text);
  const state = RestoreState.safeParse(json);
  if (state.success) return state.data;
  const { data: other } = OtherVersion.safeParse(json);
  throw other === undefined ? damaged(path) : ofOtherVersion(path, other.version);
}

const OtherVersion = z.object({ version: z.number().refine((version) => version !== 1) });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function ofOtherVersion(path: string, version: number): MigrationError {
  return new MigrationError(
    "E_VERSION",
    `"${path}" has format ${version}, which is not known here`,
    { hint: "Use the version of the program that wrote it" },
  );
}

function damaged(path: string): MigrationError {
  return new MigrationError("E_INTEGRITY", `"${path}" is damaged: it is no state of a restore`, {
    hint: "Look for what damaged it, then remove it: all documents are compared again",
  });
}

export async function writeRestoreState(out: string, state: RestoreState): Promise<void> {
  const text = `${JSON.stringify(state, undefined, 2)}\n`;
  const room = { what: "the restore's state", folder: out, neededBytes: Buffer.byteLength(text) };
  await withRoom(room, () => writeFileAtomic(join(out, fileName), text));
}
