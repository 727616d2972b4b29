import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../core/clock.ts";
import { parseJson } from "../core/parse-json.ts";
import { LockOwner } from "./lock-owner.ts";

/** What a lock says of its holder; each beat replaces it by one of the same length. */
export const LockRecord = z.object({
  version: z.literal(1),
  owner: LockOwner,
  /** Milliseconds since 1970. */
  since: z.number(),
  token: z.string(),
  /** Counts up, in a fixed width: while it is replaced, a reader sees no other byte change. */
  beat: z.string(),
  released: z.boolean(),
});
export type LockRecord = z.infer<typeof LockRecord>;

/** What a lock at a destination says as well: which migration writes there, and what. */
export const ClaimRecord = LockRecord.extend({
  migration: z.string(),
  scopes: z.array(z.string()),
});
export type ClaimRecord = z.infer<typeof ClaimRecord>;

export function newRecord(owner: LockOwner, clock: Clock): LockRecord {
  const since = Math.round(clock.now());
  return { version: 1, owner, since, token: randomUUID(), beat: beatOf(0), released: false };
}

export function nextBeat(record: LockRecord) {
  record.beat = beatOf(Number(record.beat) + 1);
}

function beatOf(count: number): string {
  return String(count).padStart(12, "0");
}

/** Undefined for what is no such record, or not whole yet. */
export function parseRecord<T>(schema: z.ZodType<T>, text: string): T | undefined {
  return schema.safeParse(parseJson(text)).data;
}
