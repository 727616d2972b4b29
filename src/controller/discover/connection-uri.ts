import { MigrationError } from "../../core/errors.ts";
import { registerSecret, registerUriSecret } from "../../core/secrets.ts";
import { flagOf } from "./choose.ts";
import { requireClient } from "./client-certificate.ts";
import type { Discovered, DiscoveredDatabase } from "./discovered.ts";
import { type CredentialSources, readCredential } from "./read-credential.ts";

/** What goes into a URI beside what was discovered. */
export interface DatabaseCredentials {
  /** A whole URI; nothing is added to it but what TLS needs. */
  uri?: string;
  password?: string;
  /** The CA's certificate (PEM), to be put into a file. */
  ca?: string;
  /** Our own certificate and its key (PEM), to be put into one file. */
  client?: string;
}

/** Where those are for whoever uses the URI. */
export interface TlsFiles {
  ca: string;
  client: string;
}

/** Reads what the discovered log-in refers to; E_CONFIG where it is not there. */
export async function readDatabaseCredentials(
  { side, database }: Pick<Discovered, "side" | "database">,
  sources: CredentialSources,
): Promise<DatabaseCredentials> {
  const { login, tls } = database ?? {};
  const of = `of the ${side}'s database`;
  const credentials: DatabaseCredentials = {};
  if (login?.uri !== undefined) {
    credentials.uri = await readCredential(login.uri.value, `URI ${of}`, sources);
    registerUriSecret(credentials.uri);
  }
  if (login?.password !== undefined) {
    credentials.password = await readCredential(login.password.value, `password ${of}`, sources);
  }
  if (tls?.ca !== undefined) {
    credentials.ca = await readCredential(tls.ca, `CA ${of}`, sources);
  }
  if (tls?.certificate !== undefined) {
    const parts = [await readCredential(tls.certificate, `client certificate ${of}`, sources)];
    if (tls.key !== undefined) {
      parts.push(await readCredential(tls.key, `client key ${of}`, sources));
    }
    credentials.client = parts.map((part) => `${part.trimEnd()}\n`).join("");
    requireClient(credentials.client, `client certificate ${of}`);
  }
  return credentials;
}

/**
 * The MongoDB URI of a discovered database; its TLS names the files of which there is something.
 * E_CONFIG where a password is missing that a user needs.
 */
export function connectionUriOf(
  { side, database }: { side: Discovered["side"]; database: DiscoveredDatabase },
  { uri, password, ...pems }: DatabaseCredentials,
  files: TlsFiles,
): string {
  const options = new Map<string, string>(tlsOptions(database, pems, files));
  if (uri !== undefined) return withOptions(uri, options);
  const { login, replicaSet, hosts } = database;
  if (login.authSource !== undefined && login.username !== undefined) {
    options.set("authSource", login.authSource.value);
  }
  if (replicaSet !== undefined) options.set("replicaSet", replicaSet);
  return withOptions(`mongodb://${loginText(side, database, password)}${hosts.value}/`, options);
}

function loginText(
  side: Discovered["side"],
  { login }: DiscoveredDatabase,
  password: string | undefined,
): string {
  if (login.username === undefined) {
    if (password === undefined) return "";
    throw new MigrationError(
      "E_CONFIG",
      `There is a password of the ${side}'s database, but no user`,
      { hint: `Give it with ${flagOf({ side, field: "database.username" })}` },
    );
  }
  if (password === undefined) {
    throw new MigrationError(
      "E_CONFIG",
      `There is no password of user "${login.username.value}" of the ${side}'s database`,
      { hint: `Give it with ${flagOf({ side, field: "database.password.file" }, "PATH")}` },
    );
  }
  registerSecret(password);
  return `${percentEncode(login.username.value)}:${percentEncode(password)}@`;
}

/** Also what is allowed in other parts of a URI, such as `'` and `*`. */
function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function* tlsOptions(
  { tls }: DiscoveredDatabase,
  { ca, client }: Pick<DatabaseCredentials, "ca" | "client">,
  files: TlsFiles,
) {
  if (tls === undefined) return;
  yield ["tls", "true"] as const;
  if (ca !== undefined) yield ["tlsCAFile", files.ca] as const;
  if (client !== undefined) yield ["tlsCertificateKeyFile", files.client] as const;
  if (tls.allowInvalidCertificates) yield ["tlsAllowInvalidCertificates", "true"] as const;
}

/** A URI's own options go first. */
function withOptions(uri: string, options: ReadonlyMap<string, string>): string {
  const mark = uri.indexOf("?");
  const before = mark < 0 ? uri : uri.slice(0, mark);
  const query = mark < 0 ? "" : uri.slice(mark + 1);
  const given = new Set(query.split("&").map((one) => one.split("=")[0]?.toLowerCase()));
  const added = [...options]
    .filter(([name]) => !given.has(name.toLowerCase()))
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  if (added.length === 0) return uri;
  const path = /^[a-z+]+:\/\/[^/]*$/.test(before) ? `${before}/` : before;
  return `${path}?${[query, ...added].filter((one) => one !== "").join("&")}`;
}
