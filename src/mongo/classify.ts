import { MongoError } from "mongodb";
import { asMigrationError, codeOf, MigrationError } from "../core/errors.ts";
import type { WriteFailure } from "./database.ts";
import {
  documentCodes,
  fatalCodes,
  narrowCodes,
  networkCodes,
  networkErrors,
  transientCodes,
} from "./server-codes.ts";

/**
 * What an error of one document within an accepted insert means. `unknown`: the code tells neither
 * of the document nor of the server.
 */
export type FailureClass =
  | "duplicate-id"
  | "duplicate-key"
  | "rejected"
  | "transient"
  | "fatal"
  | "unknown";

/** What an error of a whole command means. `narrow`: one of the documents is the reason. */
export type CommandClass = "narrow" | "transient" | "fatal";

/** Classes by code and index alone: messages differ from server to server. */
export function classifyFailure(failure: WriteFailure): FailureClass {
  if (failure.code === 11000) return isIdPattern(failure) ? "duplicate-id" : "duplicate-key";
  if (transientCodes.has(failure.code)) return "transient";
  if (fatalCodes.has(failure.code)) return "fatal";
  return documentCodes.has(failure.code) ? "rejected" : "unknown";
}

/** A server before 4.4 names no fields: then the index is unknown, and so it is not `_id`'s yet. */
function isIdPattern({ keyPattern }: WriteFailure): boolean {
  const fields = Object.keys(keyPattern ?? {});
  return fields.length === 1 && fields[0] === "_id";
}

export function classifyCommandError(error: unknown): CommandClass {
  if (error instanceof RangeError || isBsonError(error)) return "narrow";
  if (isPassing(error)) return "transient";
  const code = codeOf(error);
  return typeof code === "number" && narrowCodes.has(code) ? "narrow" : "fatal";
}

/** A DOMException and an error of ours have codes too, with other meanings. */
function isPassing(error: unknown): boolean {
  if (error instanceof DOMException) return error.name === "TimeoutError";
  if (error instanceof MigrationError) return error.kind === "transient";
  if (error instanceof MongoError && networkErrors.has(error.name)) return true;
  const code = codeOf(error);
  if (typeof code === "string") return networkCodes.has(code);
  return code !== undefined && transientCodes.has(code);
}

function isBsonError(error: unknown): boolean {
  return error instanceof Error && error.name.startsWith("BSON");
}

/** The error that ends the migration when a server's answer leaves nothing else to do. */
export function destinationError(collection: string, error: unknown): MigrationError {
  if (error instanceof MigrationError) return error;
  if (isLocal(error)) return asMigrationError(error);
  const code = error instanceof DOMException ? undefined : codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const known = typeof code === "number" ? fatalCodes.get(code) : undefined;
  const other = classifyCommandError(error) === "transient" ? away : unexpected;
  const { code: ours, hint } = known ?? other;
  return new MigrationError(ours, `Cannot write to collection "${collection}": ${message}`, {
    cause: error,
    hint,
    fields: { collection, ...(code === undefined ? {} : { serverCode: code }) },
  });
}

const away = {
  code: "E_UNAVAILABLE",
  hint: "Check that the destination's server is up, then run again; if it ended by itself, see its log: a full disk ends mongod",
} as const;

const unexpected = {
  code: "E_UNEXPECTED",
  hint: "See the destination's log for the reason, then run again",
} as const;

/** Of a file or folder on this side, which says nothing of the destination. */
function isLocal(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof MongoError || !("syscall" in error))
    return false;
  const code = codeOf(error);
  return typeof code === "string" && !networkCodes.has(code);
}
