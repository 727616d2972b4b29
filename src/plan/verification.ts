import { z } from "zod";
import { type ExitCode, errorCodes, exitCodes, isErrorCode } from "../core/errors.ts";

/** What a second look at one part of an item found. */
const VerifiedPart = z.object({
  item: z.string(),
  part: z.enum(["files", "documents", "references"]),
  equal: z.boolean(),
  output: z.looseObject({ changedSince: z.number().optional() }).optional(),
  error: z
    .looseObject({ code: z.string(), message: z.string(), hint: z.string().optional() })
    .optional(),
  /** The first of what is not as it was, each as a line. */
  differences: z.array(z.string()).default([]),
});
export type VerifiedPart = z.infer<typeof VerifiedPart>;

/** The answer of `migmgr verify`. */
export const Verification = z.object({ checks: z.array(VerifiedPart) });
export type Verification = z.infer<typeof Verification>;

/** What differs counts most, then what could not be looked at, then what the source changed since. */
export function exitCodeOf({ checks }: Verification): ExitCode {
  const codes = checks.flatMap(({ error }) => error?.code ?? []);
  if (codes.includes("E_INTEGRITY")) return exitCodes.integrity;
  const [code] = codes;
  if (code !== undefined) return isErrorCode(code) ? errorCodes[code].exit : exitCodes.unexpected;
  const isChanged = checks.some(({ output }) => (output?.changedSince ?? 0) > 0);
  return isChanged ? exitCodes.finishedWithFindings : exitCodes.done;
}
