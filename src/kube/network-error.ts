import { codeOf, MigrationError } from "../core/errors.ts";

const tlsCode =
  /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_CA|HOSTNAME_MISMATCH)/;

const adviceToDevelopers = /; if the root CA is installed locally.*/;

/** No answer of the API: the connection was refused, cut, or could not be trusted. */
export function networkError(thrown: unknown, server: string): MigrationError {
  if (thrown instanceof MigrationError) return thrown;
  const told = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  const words = told.replace(adviceToDevelopers, "");
  if (isTlsFailure(thrown)) {
    return new MigrationError("E_TLS", `No trusted connection to ${server}: ${words}`, {
      cause: thrown,
      hint: "Give the CA of the API server, and its own name where the URL has another one (tls-server-name)",
    });
  }
  return new MigrationError("E_UNAVAILABLE", `Cannot reach ${server}: ${reasonOf(thrown, words)}`, {
    cause: thrown,
    hint: "Check the URL, the network and the proxy (HTTPS_PROXY, NO_PROXY), then try again",
  });
}

function isTlsFailure(thrown: unknown): boolean {
  return tlsCode.test(String(codeOf(thrown) ?? ""));
}

/** A name that nobody knows stays unknown; all else may be another way in a moment. */
export function mayPass(thrown: unknown): boolean {
  return !isTlsFailure(thrown) && codeOf(thrown) !== "ENOTFOUND";
}

const notReached = new Set<unknown>(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EAI_AGAIN"]);

/** Whether no connection came about, so that nothing can have been begun. */
export function wasNotReached(thrown: unknown): boolean {
  return notReached.has(codeOf(thrown));
}

/** All addresses of a name were tried: the message of such an error is empty. */
function reasonOf(thrown: unknown, words: string): string {
  if (!(thrown instanceof AggregateError)) return words;
  return thrown.errors.map((error) => (error instanceof Error ? error.message : error)).join("; ");
}
