import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { codeOf, MigrationError } from "../core/errors.ts";
import { registerSecret } from "../core/secrets.ts";
import { type ConnectionUri, uriOption } from "./uri.ts";

/** What a URI says of TLS, with the files that it names. */
export interface TlsSettings {
  /** Whether connections are encrypted at all. */
  isOn: boolean;
  /** Whether the server's certificate must be of a known authority, and for the server's name. */
  isChecked: boolean;
  /** The authorities' certificates (PEM). */
  ca?: string;
  /** Our own certificate and its key (PEM). */
  client?: string;
  keyPassword?: string;
}

/**
 * Reads what the URI says of TLS and registers its key as a secret. Throws E_TLS for a file that
 * cannot be read or holds something else: the driver says nothing, or no more than "unavailable".
 */
export async function readTlsSettings({ uri }: ConnectionUri): Promise<TlsSettings> {
  const keyPassword = uriOption(uri, "tlsCertificateKeyFilePassword");
  if (keyPassword !== undefined) registerSecret(keyPassword);
  const caFile = uriOption(uri, "tlsCAFile");
  const clientFile = uriOption(uri, "tlsCertificateKeyFile");
  return {
    ...sayingsOf(uri),
    ...(keyPassword === undefined ? {} : { keyPassword }),
    ...(caFile === undefined ? {} : { ca: await readAuthorities(caFile) }),
    ...(clientFile === undefined ? {} : { client: await readClient(clientFile, keyPassword) }),
  };
}

/** What can be told of TLS without a look at the files. */
export function sayingsOf(uri: string): Pick<TlsSettings, "isOn" | "isChecked"> {
  const is = (name: string) => uriOption(uri, name) === "true";
  const given = uriOption(uri, "tls") ?? uriOption(uri, "ssl");
  return {
    isOn: given === undefined ? uri.startsWith("mongodb+srv:") : given === "true",
    isChecked: !["tlsInsecure", "tlsAllowInvalidCertificates"].some(is),
  };
}

async function readAuthorities(path: string): Promise<string> {
  const text = await readText(path, "tlsCAFile");
  try {
    new X509Certificate(text);
    return text;
  } catch (cause) {
    throw unfit(`The file "${path}" of tlsCAFile holds no certificate in PEM form`, cause);
  }
}

/** The certificate beside it is no secret. */
const privateKey = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----/gs;

async function readClient(path: string, passphrase: string | undefined): Promise<string> {
  const text = await readText(path, "tlsCertificateKeyFile");
  for (const [key] of text.matchAll(privateKey)) registerSecret(key);
  const file = `The file "${path}" of tlsCertificateKeyFile`;
  const certificate = attempt(
    () => new X509Certificate(text),
    (cause) => unfit(`${file} holds no certificate in PEM form`, cause),
  );
  const key = attempt(
    () => createPrivateKey({ key: text, ...(passphrase === undefined ? {} : { passphrase }) }),
    (cause) => unfit(`${file} holds no private key that can be read`, cause),
  );
  if (certificate.checkPrivateKey(key)) return text;
  throw unfit(`${file} holds a key that is not the certificate's`, undefined);
}

function attempt<T>(work: () => T, failure: (cause: unknown) => Error): T {
  try {
    return work();
  } catch (cause) {
    throw failure(cause);
  }
}

async function readText(path: string, option: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const why = codeOf(cause) === "ENOENT" ? "is not there" : `cannot be read (${codeOf(cause)})`;
    throw new MigrationError("E_TLS", `The file "${path}" of ${option} ${why}`, {
      cause,
      hint: "Correct the option in the URI, or the file's owner and mode",
    });
  }
}

function unfit(message: string, cause: unknown): MigrationError {
  return new MigrationError("E_TLS", message, {
    cause,
    hint: "tlsCAFile takes certificates (PEM); tlsCertificateKeyFile takes one with its key in the same file, and tlsCertificateKeyFilePassword where that is encrypted",
  });
}
