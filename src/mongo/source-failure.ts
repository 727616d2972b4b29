import { codeOf, type ErrorCode, MigrationError } from "../core/errors.ts";

export interface FailureContext {
  /** The hosts as the URI gives them, without credentials. */
  hosts: string;
  /** What was tried, to follow "Cannot": `read "DataSets"`. */
  action: string;
}

/** Server codes of a log-in that was refused. */
const authenticationCodes = new Set<unknown>([11, 18, 334, 8000]);

/**
 * Server codes that another attempt may not meet: the server stops, steps down, lost its way to
 * others, or dropped our cursor.
 */
const passingCodes = new Set<unknown>([
  6, 7, 43, 89, 91, 136, 175, 189, 237, 262, 9001, 10107, 11600, 11602, 13435, 13436,
]);

const passingNames = new Set([
  "MongoNetworkError",
  "MongoNetworkTimeoutError",
  "MongoOperationTimeoutError",
  "MongoServerSelectionError",
  "MongoTimeoutError",
  "MongoNotConnectedError",
  "MongoTopologyClosedError",
  "MongoPoolClearedError",
  "MongoPoolClosedError",
  "MongoPoolClearedOnNetworkError",
  "PoolClearedOnNetworkError",
  "MongoExpiredSessionError",
  "TimeoutError",
]);

const passingSystemCodes = new Set<unknown>([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EPIPE",
  "ETIMEDOUT",
]);

const tlsCode =
  /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_CA|HOSTNAME_MISMATCH)/;

const parseNames = new Set(["MongoParseError", "MongoInvalidArgumentError", "MongoAPIError"]);

/** Gives an error of either driver the form of the family; one that has it already stays. */
export function toFailure(thrown: unknown, context: FailureContext): MigrationError {
  const chain = [...causesOf(thrown)];
  const known = chain.find((error) => error instanceof MigrationError);
  if (known !== undefined) return known;
  const codes = chain.map(codeOf);
  const names = chain.map(nameOf);
  const { hosts, action } = context;
  const fail = (code: ErrorCode, message: string, hint: string) =>
    new MigrationError(code, message, { hint, cause: thrown });
  if (names.includes("AbortError")) {
    return fail("E_INTERRUPTED", `Stopped while trying to ${action}`, "Start it again to go on");
  }
  if (codes.some((code) => authenticationCodes.has(code))) {
    return fail(
      "E_AUTHENTICATION",
      `The server at "${hosts}" refused the log-in`,
      "Check user, password and authSource in the URI's file",
    );
  }
  if (codes.includes(13)) {
    return fail(
      "E_PERMISSION",
      `The database user at "${hosts}" may not ${action}`,
      "Grant it that action: the role read at a source, readWrite and dbAdmin at a destination",
    );
  }
  const untrusted = codes.find((code) => typeof code === "string" && tlsCode.test(code));
  if (untrusted !== undefined) {
    return fail(
      "E_TLS",
      `No trusted connection to the server at "${hosts}" (${untrusted})`,
      "Check the certificates of both sides: tlsCAFile and tlsCertificateKeyFile in the URI",
    );
  }
  if (names.includes("MongoCompatibilityError")) {
    return fail(
      "E_VERSION",
      `The server at "${hosts}" has a version that no driver here can talk to`,
      "See the supported versions in the documentation",
    );
  }
  if (names.some((name) => parseNames.has(name)) && !codes.some((code) => code !== undefined)) {
    return fail(
      "E_URI",
      `The MongoDB URI for "${hosts}" or an option in it is not valid`,
      "Check the URI's file; the cause in the log names the option",
    );
  }
  return unavailable(names, codes)
    ? fail(
        "E_UNAVAILABLE",
        `Cannot ${action}: the server at "${hosts}" cannot be reached`,
        "Check that it runs, and that host and port can be reached from here",
      )
    : other(thrown, context);
}

/** Once work was to stop, that is the reason, whatever error it ended with. */
export function stopReason(signal: AbortSignal | undefined): Error | undefined {
  return signal?.aborted ? new DOMException("Aborted", "AbortError") : undefined;
}

function unavailable(names: readonly string[], codes: readonly unknown[]): boolean {
  return (
    names.some((name) => passingNames.has(name)) ||
    codes.some((code) => passingCodes.has(code) || passingSystemCodes.has(code))
  );
}

function other(thrown: unknown, { hosts, action }: FailureContext): MigrationError {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  const code = codeOf(thrown);
  return new MigrationError("E_UNEXPECTED", `Cannot ${action} at "${hosts}": ${reason}`, {
    cause: thrown,
    fields: code === undefined ? {} : { serverCode: code },
  });
}

/** The error, its causes, and what each server of a failed selection had answered. */
export function* causesOf(thrown: unknown): Generator<unknown> {
  let current = thrown;
  for (let depth = 0; depth < 8 && current instanceof Error; depth++) {
    yield current;
    for (const [, answered] of serverErrors(current)) {
      yield answered;
      if (answered.cause !== undefined) yield answered.cause;
    }
    current = current.cause;
  }
}

/** What each server had answered, by its address, where none could be selected. */
export function* serverErrors(error: unknown): Generator<[address: string, answered: Error]> {
  if (!(error instanceof Error)) return;
  const reason: unknown = "reason" in error ? error.reason : undefined;
  if (typeof reason !== "object" || reason === null || !("servers" in reason)) return;
  if (!(reason.servers instanceof Map)) return;
  for (const [address, server] of reason.servers) {
    const answered: unknown = server?.error;
    if (answered instanceof Error) yield [String(address), answered];
  }
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : "";
}
