import { readFile } from "node:fs/promises";
import { codeOf, MigrationError } from "../core/errors.ts";
import { registerSecret } from "../core/secrets.ts";
import type { ServerAccess } from "./access.ts";
import type { Credentials, Login } from "./login.ts";
import type { Environment } from "./proxy.ts";

const accountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/** By URL and files; each is read again for each request, as its content is renewed. */
export function serverLogin(access: ServerAccess, namespace?: string): Login {
  return {
    server: serverUrl(access.server, access.insecureSkipTlsVerify === true),
    namespace,
    proxyUrl: access.proxyUrl,
    credentials: () => readCredentials(access),
    async renew() {},
  };
}

/** As every pod has it whose account's token is mounted; undefined outside of one. */
export async function podLogin(environment: Environment): Promise<Login | undefined> {
  const host = environment["KUBERNETES_SERVICE_HOST"];
  const port = environment["KUBERNETES_SERVICE_PORT"];
  const namespace = await readIfThere(`${accountFolder}/namespace`);
  if (!host || !port || namespace === undefined) return undefined;
  const server = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const files = { tokenFile: `${accountFolder}/token`, caFile: `${accountFolder}/ca.crt` };
  return serverLogin({ server, ...files }, namespace.trim());
}

/** Throws E_CONFIG for what is no URL of an API server, or would send credentials in the clear. */
export function serverUrl(text: string, isInsecure: boolean): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new MigrationError("E_CONFIG", `"${text}" is not the URL of a Kubernetes API server`, {
      hint: "Give it as https://host:port",
    });
  }
  if (url.protocol === "http:" && !isInsecure) {
    throw new MigrationError("E_CONFIG", `${url.origin} would get credentials unencrypted`, {
      hint: "Use https, or say insecure-skip-tls-verify where that is wanted",
    });
  }
  if (url.username !== "" || url.password !== "") {
    throw new MigrationError("E_CONFIG", `The URL of ${url.host} has credentials in it`, {
      hint: "Give a token file or a client certificate",
    });
  }
  return url;
}

async function readCredentials(access: ServerAccess): Promise<Credentials> {
  const [token, ca, cert, key] = await Promise.all([
    read(access.tokenFile, "token"),
    read(access.caFile, "CA"),
    read(access.clientCertificateFile, "client certificate"),
    read(access.clientKeyFile, "client key"),
  ]);
  if (key !== undefined) registerSecret(key);
  return {
    headers: bearer(token?.trim()),
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(access.tlsServerName === undefined ? {} : { servername: access.tlsServerName }),
      rejectUnauthorized: access.insecureSkipTlsVerify !== true,
    },
  };
}

function bearer(token: string | undefined): Credentials["headers"] {
  if (token === undefined || token === "") return {};
  registerSecret(token);
  return { authorization: `Bearer ${token}` };
}

async function read(path: string | undefined, what: string): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new MigrationError("E_CONFIG", `Cannot read the ${what} file "${path}"`, {
      cause: error,
      hint: codeOf(error) === "ENOENT" ? "There is no such file" : `${codeOf(error)}`,
    });
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}
