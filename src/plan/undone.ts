import { z } from "zod";
import { type ExitCode, exitCodes } from "../core/errors.ts";

const count = z.number();

const Counts = z.object({
  /** What the migration brought, and is gone again. */
  removed: count,
  /** What it overwrote, and is as it was before. */
  putBack: count,
  /** What was changed since, and stays. */
  kept: count,
  /** What cannot be taken back. */
  impossible: count,
});

export const undoneParts = ["documents", "collections", "files", "folders"] as const;
export type UndonePart = (typeof undoneParts)[number];

const Example = z.object({
  part: z.enum(undoneParts),
  name: z.string(),
  action: z.enum(["removed", "putBack", "kept", "impossible"]),
  reason: z.string().optional(),
});
export type UndoneExample = z.infer<typeof Example>;

/** The answer of `migmgr undo`: what it did, or would do. */
export const Undone = z.object({
  name: z.string(),
  /** False for a look, which writes nothing. */
  done: z.boolean(),
  counts: z.record(z.enum(undoneParts), Counts),
  /** The first of each part and action; with reasons, where something stays. */
  examples: z.array(Example),
  /** What an earlier part of the migration did that nothing here takes back. */
  remarks: z.array(z.string()),
  /** Where all of it is listed, once it was done. */
  list: z.string().optional(),
});
export type Undone = z.infer<typeof Undone>;

/** Something that stays should be looked at. */
export function exitCodeOf({ counts }: Undone): ExitCode {
  const stays = Object.values(counts).some(({ kept, impossible }) => kept + impossible > 0);
  return stays ? exitCodes.finishedWithFindings : exitCodes.done;
}
