import { sqliteResultOf, sqliteResults } from "./sqlite-result.ts";

/** The exit codes of both programs; anything that is not listed is never success. */
export const exitCodes = {
  done: 0,
  unexpected: 1,
  usage: 2,
  finishedWithFindings: 3,
  authentication: 4,
  resource: 5,
  refused: 6,
  locked: 7,
  integrity: 8,
  hook: 9,
  changesFound: 10,
  timeout: 124,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

interface CodeEntry {
  exit: ExitCode;
  /** `user`: can be fixed by who reads it; `transient`: may pass, is retried; `bug`: ours. */
  kind: "user" | "transient" | "bug";
  meaning: string;
}

/** Every error code, its exit code and what it means; docs/reference/errors.md is made from it. */
export const errorCodes = {
  E_UNEXPECTED: { exit: 1, kind: "bug", meaning: "A fault of this program" },
  E_USAGE: {
    exit: 2,
    kind: "user",
    meaning: "A flag or argument is missing, unknown or malformed",
  },
  E_CONFIG: { exit: 2, kind: "user", meaning: "A configuration file is malformed" },
  E_APPLICATION: { exit: 2, kind: "user", meaning: "An application description is malformed" },
  E_URI: { exit: 2, kind: "user", meaning: "A MongoDB URI or its file is missing or malformed" },
  E_FOLDER: { exit: 2, kind: "user", meaning: "A folder is missing or is not a folder" },
  E_SCOPE: { exit: 2, kind: "user", meaning: "A user, project group or collection does not exist" },
  E_NO_MIGRATION: { exit: 2, kind: "user", meaning: "There is no such migration at that place" },
  E_AUTHENTICATION: { exit: 4, kind: "user", meaning: "The log-in to a server was refused" },
  E_PERMISSION: { exit: 4, kind: "user", meaning: "An action is not allowed" },
  E_TLS: {
    exit: 4,
    kind: "user",
    meaning: "A certificate or its file was not accepted, or one side speaks TLS and the other not",
  },
  E_HOST_KEY: { exit: 4, kind: "user", meaning: "The host key of an SSH server was not accepted" },
  E_UNAVAILABLE: { exit: 5, kind: "transient", meaning: "A server cannot be reached" },
  E_CLUSTER: { exit: 5, kind: "user", meaning: "The Kubernetes API refused a request" },
  E_QUOTA: { exit: 5, kind: "user", meaning: "A quota or limit of the namespace is reached" },
  E_POD: { exit: 5, kind: "user", meaning: "A pod cannot start, or ended before its work" },
  E_EXISTS: { exit: 6, kind: "user", meaning: "An object of that name is there already" },
  E_DISCOVERY: {
    exit: 2,
    kind: "user",
    meaning: "What an application consists of cannot be told, or there is more than one",
  },
  E_NO_SPACE: { exit: 5, kind: "user", meaning: "A volume has too little room" },
  E_VOLUME: { exit: 5, kind: "user", meaning: "A volume cannot be read or written" },
  E_PROGRAM: { exit: 5, kind: "user", meaning: "A program that is needed is missing or failed" },
  E_IMAGE: {
    exit: 5,
    kind: "user",
    meaning: "A container image is missing, cannot be loaded or pushed, or does not fit the node",
  },
  E_SAME_SERVER: { exit: 6, kind: "user", meaning: "Source and destination are the same place" },
  E_VERSION: { exit: 6, kind: "user", meaning: "The versions of the two sides do not allow it" },
  E_REFUSED: { exit: 6, kind: "user", meaning: "It would not be safe" },
  E_PLAN_CHANGED: { exit: 6, kind: "user", meaning: "An earlier run had another plan" },
  E_CONFLICT: { exit: 6, kind: "user", meaning: "There are conflicts and --on-conflict is fail" },
  E_LOCKED: { exit: 7, kind: "user", meaning: "Another process works on it" },
  E_INTEGRITY: { exit: 8, kind: "user", meaning: "Data is not what it was when it was written" },
  E_TIMEOUT: { exit: 124, kind: "user", meaning: "It took longer than allowed" },
  E_INTERRUPTED: { exit: 130, kind: "user", meaning: "It was stopped; a checkpoint was written" },
} as const satisfies Record<string, CodeEntry>;

export type ErrorCode = keyof typeof errorCodes;

export function isErrorCode(code: string): code is ErrorCode {
  return code in errorCodes;
}

interface Details {
  /** What the reader can do about it, as one sentence in the imperative. */
  hint?: string;
  cause?: unknown;
  /** Values beside the message, for the log and the status; never a secret. */
  fields?: Record<string, unknown>;
}

/** The one error family: a stable code, a message, and what to do. */
export class MigrationError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly fields: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, details: Details = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = "MigrationError";
    this.code = code;
    this.hint = details.hint;
    this.fields = details.fields ?? {};
  }

  get exitCode(): ExitCode {
    return errorCodes[this.code].exit;
  }

  get kind(): CodeEntry["kind"] {
    return errorCodes[this.code].kind;
  }
}

/** Whether that is an error of ours with this code. */
export function hasCode(error: unknown, code: ErrorCode): error is MigrationError {
  return error instanceof MigrationError && error.code === code;
}

/** Whether another attempt may find what could not be reached. */
export function isUnavailable(error: unknown): error is MigrationError {
  return hasCode(error, "E_UNAVAILABLE");
}

/**
 * Gives any thrown value the form of the family. A failing volume may show anywhere; what else is
 * not of the family becomes `E_UNEXPECTED`.
 */
export function asMigrationError(thrown: unknown): MigrationError {
  if (thrown instanceof MigrationError) return thrown;
  const volume = volumeError(thrown);
  if (volume !== undefined) return volume;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new MigrationError("E_UNEXPECTED", message || "Unknown error", { cause: thrown });
}

/** What the system says of a volume that is full or broken, in the words of the family. */
function volumeError(thrown: unknown): MigrationError | undefined {
  if (!(thrown instanceof Error)) return undefined;
  switch (sqliteCodeOf(thrown) ?? codeOf(thrown)) {
    case "ENOSPC":
    case "EDQUOT":
      return new MigrationError("E_NO_SPACE", `A volume is full: ${thrown.message}`, {
        cause: thrown,
        hint: "Free or add space on that volume, then run the same command again",
      });
    case "EIO":
    case "EROFS":
      return new MigrationError("E_VOLUME", `A volume does not work: ${thrown.message}`, {
        cause: thrown,
        hint: "Check the volume and its node's kernel log, then run the same command again",
      });
    default:
      return undefined;
  }
}

/** SQLite keeps what the system said to itself, and tells its own number. */
function sqliteCodeOf(thrown: Error): string | undefined {
  const { io, full } = sqliteResults;
  return { [io]: "EIO", [full]: "ENOSPC" }[sqliteResultOf(thrown) ?? 0];
}

/** The `code` of a system or driver error (ENOENT, 11000, …), or undefined. */
export function codeOf(thrown: unknown): string | number | undefined {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return undefined;
  const { code } = thrown;
  return typeof code === "string" || typeof code === "number" ? code : undefined;
}

/** An error as it is stored in the status and printed with `-o json`. */
export interface ErrorRecord {
  code: ErrorCode;
  message: string;
  hint?: string;
  fields?: Record<string, unknown>;
}

export function toErrorRecord(thrown: unknown): ErrorRecord {
  const error = asMigrationError(thrown);
  return {
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(Object.keys(error.fields).length > 0 ? { fields: error.fields } : {}),
  };
}
