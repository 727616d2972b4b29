import type { ClusterAccess } from "./access.ts";
import { loginOf } from "./connect.ts";
import type { Environment } from "./proxy.ts";

/** All that somebody elsewhere needs to talk to a cluster as we do. */
export interface PortableLogin {
  server: string;
  token?: string;
  /** PEM, as are `certificate` and `key`. */
  ca?: string;
  certificate?: string;
  key?: string;
  tlsServerName?: string;
  insecureSkipTlsVerify?: boolean;
  proxyUrl?: string;
}

/** The log-in as it is now: what an exec plugin gave is not renewed by who gets it. */
export async function portableLogin(
  access: ClusterAccess,
  environment: Environment,
): Promise<PortableLogin> {
  const login = await loginOf(access, environment);
  const { headers, tls } = await login.credentials();
  const token = /^Bearer (.+)$/.exec(String(headers["authorization"] ?? ""))?.[1];
  const texts = { ca: textOf(tls.ca), certificate: textOf(tls.cert), key: textOf(tls.key) };
  return {
    server: login.server.href.replace(/\/$/, ""),
    ...(token === undefined ? {} : { token }),
    ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined)),
    ...(tls.servername === undefined ? {} : { tlsServerName: tls.servername }),
    ...(tls.rejectUnauthorized === false ? { insecureSkipTlsVerify: true } : {}),
    ...(login.proxyUrl === undefined ? {} : { proxyUrl: login.proxyUrl }),
  };
}

function textOf(pem: unknown): string | undefined {
  if (pem === undefined) return undefined;
  return [pem].flat().map(String).join("\n");
}
