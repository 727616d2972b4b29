import { MongoError } from "mongodb";
import { codeOf, type ErrorCode, MigrationError } from "../core/errors.ts";
import type { WriteFailure } from "./database.ts";

/** What an error of one document within an accepted insert means. */
export type FailureClass = "duplicate-id" | "duplicate-key" | "rejected" | "transient" | "fatal";

/** What an error of a whole command means. `narrow`: one of the documents is the reason. */
export type CommandClass = "narrow" | "transient" | "fatal";

/** Server codes after which the same command may succeed a little later. */
const transientCodes: ReadonlySet<number> = new Set([
  6, // HostUnreachable
  7, // HostNotFound
  24, // LockTimeout
  64, // WriteConcernFailed: written, not yet acknowledged by the others
  89, // NetworkTimeout
  91, // ShutdownInProgress
  112, // WriteConflict
  133, // FailedToSatisfyReadPreference
  134, // ReadConcernMajorityNotAvailableYet
  189, // PrimarySteppedDown
  237, // CursorKilled
  262, // ExceededTimeLimit
  43, // CursorNotFound
  50, // MaxTimeMSExpired
  9001, // SocketException
  10058, // legacy not primary
  10107, // NotWritablePrimary
  11600, // InterruptedAtShutdown
  11602, // InterruptedDueToReplStateChange
  13435, // NotPrimaryNoSecondaryOk
  13436, // NotPrimaryOrSecondary
]);

/** Server codes of a whole command that one document of the batch causes. */
const narrowCodes: ReadonlySet<number> = new Set([
  22, // InvalidBSON
  10334, // BSONObjectTooLarge
  17280, // KeyTooLong
  17419, // an update's result is too large
  17420, // a document is too large
]);

/** Server codes that end the migration, with what the reader learns. */
const fatalCodes: ReadonlyMap<number, { code: ErrorCode; hint: string }> = new Map([
  [13, { code: "E_PERMISSION", hint: "Give the destination's user the role readWrite" }],
  [18, { code: "E_AUTHENTICATION", hint: "Check the user and password in the URI file" }],
  [8000, { code: "E_AUTHENTICATION", hint: "Check the user and password in the URI file" }],
  [14031, { code: "E_NO_SPACE", hint: "Make room on the database's volume, then run again" }],
  [166, { code: "E_REFUSED", hint: "Rename or drop the view at the destination" }],
  [20, { code: "E_REFUSED", hint: "See the server's message for what it does not allow" }],
  [100, { code: "E_REFUSED", hint: "Bring the missing members of the replica set back" }],
  [79, { code: "E_REFUSED", hint: "Remove the unknown write concern from the URI" }],
  [73, { code: "E_REFUSED", hint: "Rename the collection: the server refuses its name" }],
]);

const networkCodes: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "ECONNREFUSED",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
  "ENOTFOUND",
]);

const networkErrors: ReadonlySet<string> = new Set([
  "MongoNetworkError",
  "MongoNetworkTimeoutError",
  "MongoServerSelectionError",
  "MongoPoolClearedError",
  "PoolClearedOnNetworkError",
  "MongoWaitQueueTimeoutError",
  "MongoOperationTimeoutError",
]);

/** Classes by code and index alone: messages differ from server to server. */
export function classifyFailure(failure: WriteFailure): FailureClass {
  if (failure.code === 11000) return isIdPattern(failure) ? "duplicate-id" : "duplicate-key";
  if (transientCodes.has(failure.code)) return "transient";
  return fatalCodes.has(failure.code) ? "fatal" : "rejected";
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
  const code = error instanceof DOMException ? undefined : codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const known = typeof code === "number" ? fatalCodes.get(code) : undefined;
  const transient = classifyCommandError(error) === "transient";
  return new MigrationError(
    known?.code ?? (transient ? "E_UNAVAILABLE" : "E_UNEXPECTED"),
    `Cannot write to collection "${collection}": ${message}`,
    {
      cause: error,
      hint: known?.hint ?? "Check that the destination's server is up, then run again",
      fields: { collection, ...(code === undefined ? {} : { serverCode: code }) },
    },
  );
}
