import type { Document } from "mongodb";
import { codeOf } from "../core/errors.ts";
import type { RawSequences } from "./document-sequence.ts";

/** What a write waits for; and how long it waits for it, so that an absent member is noticed. */
export const durable = { writeConcern: { w: "majority", j: true, wtimeout: 60_000 } } as const;

export interface WriteSettings {
  /** Goes off for good when the server does not allow it. */
  bypassValidation: boolean;
  keepEmptyTimestamps: boolean;
  sequences: RawSequences | undefined;
  /** A server that takes this many milliseconds for one batch counts as gone. */
  replyMs: number;
}

/** A moved document was valid where it comes from; validators judge new ones. */
export function writeFlags(settings: WriteSettings): Document {
  return {
    ...(settings.bypassValidation ? { bypassDocumentValidation: true } : {}),
    ...(settings.keepEmptyTimestamps ? { bypassEmptyTsReplacement: true } : {}),
  };
}

/** Server messages quote documents, which may hold invalid UTF-8. */
export function replyOptions({ replyMs }: WriteSettings) {
  return { enableUtf8Validation: false, signal: AbortSignal.timeout(replyMs) };
}

/** A user who may not bypass validation (code 13) writes with it from then on. */
export async function withValidation<T>(
  settings: WriteSettings,
  write: () => Promise<T>,
): Promise<T> {
  const bypassed = settings.bypassValidation;
  try {
    return await write();
  } catch (error) {
    if (codeOf(error) !== 13 || !bypassed) throw error;
    settings.bypassValidation = false;
    return write();
  }
}
