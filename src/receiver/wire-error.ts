import { z } from "zod";
import { codeOf, isErrorCode, MigrationError, toErrorRecord } from "../core/errors.ts";

const Code = z.union([z.string(), z.number()]);

/** A thrown value between the two ends: one of the family, or one of the system with its code. */
const WireError = z.object({
  code: Code,
  message: z.string(),
  isSystem: z.boolean().optional(),
  hint: z.string().optional(),
  fields: z.record(z.string(), z.unknown()).optional(),
  /** The code of what caused it: whoever must tell ECONNREFUSED from ENOTFOUND needs it. */
  cause: Code.optional(),
});
type WireError = z.infer<typeof WireError>;

/** What an answer ends with. */
export const End = z.union([z.object({ value: z.unknown() }), z.object({ error: WireError })]);
export type End = z.infer<typeof End>;

/** All of it must fit into a trailer. */
const longestText = 2000;
const longestFields = 4000;

export function toWireError(thrown: unknown): WireError {
  const code = codeOf(thrown);
  if (!(thrown instanceof MigrationError) && code !== undefined && thrown instanceof Error) {
    return { isSystem: true, code, message: thrown.message.slice(0, longestText) };
  }
  const { message, hint, fields, ...record } = toErrorRecord(thrown);
  const cause = thrown instanceof Error ? codeOf(thrown.cause) : undefined;
  return {
    ...record,
    message: message.slice(0, longestText),
    ...(hint === undefined ? {} : { hint: hint.slice(0, longestText) }),
    ...(fields === undefined || JSON.stringify(fields).length > longestFields ? {} : { fields }),
    ...(cause === undefined ? {} : { cause }),
  };
}

/** The same error as the other end threw; its stack stays there. */
export function fromWireError(error: WireError): Error {
  const { code, message, isSystem, hint, fields, cause } = error;
  if (isSystem === true) return Object.assign(new Error(message), { code });
  const known = typeof code === "string" && isErrorCode(code) ? code : "E_UNEXPECTED";
  return new MigrationError(known, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(fields === undefined ? {} : { fields }),
    ...(cause === undefined ? {} : { cause: Object.assign(new Error(message), { code: cause }) }),
  });
}

/** For a trailer, which takes printable characters alone. */
export function encodeEnd(end: End): string {
  return Buffer.from(JSON.stringify(end)).toString("base64url");
}

export function decodeEnd(text: string): End {
  return End.parse(JSON.parse(Buffer.from(text, "base64url").toString("utf8")));
}
