import { resolve } from "node:path";
import type { Credential } from "./credential.ts";
import { type ClusterSideConfig, isClusterSide, type NetworkConfig } from "./network.ts";

const pathKeys = new Set([
  ...["kubeconfig", "clientCertificateFile", "clientKeyFile", "caFile"],
  ...["file", "dir", "uriFile"],
]);

/** A copy in which every path of a file is absolute: those of a config begin at its own folder. */
export function resolvePaths(network: NetworkConfig, folder: string): NetworkConfig {
  return mapStrings(network, (key, text) => (pathKeys.has(key) ? resolve(folder, text) : text));
}

function mapStrings<T>(value: T, change: (key: string, text: string) => string): T;
function mapStrings(value: unknown, change: (key: string, text: string) => string): unknown {
  if (Array.isArray(value) || typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      typeof inner === "string" ? change(key, inner) : mapStrings(inner, change),
    ]),
  );
}

/** The files that hold a credential. */
export function credentialFiles(network: NetworkConfig): string[] {
  return credentialsOf(network).flatMap((one) => ("file" in one ? [one.file] : []));
}

export function namesCredentials(network: NetworkConfig): boolean {
  return credentialsOf(network).length > 0;
}

function credentialsOf({ source, destination }: NetworkConfig): Credential[] {
  return [source, destination].flatMap((side) => {
    if (isClusterSide<ClusterSideConfig>(side)) return sideCredentials(side);
    return side.uriFile === undefined ? [] : [{ file: side.uriFile }];
  });
}

/** The names of the Secrets that hold what is needed for the side's database. */
export function databaseSecrets({ database }: Pick<ClusterSideConfig, "database">): string[] {
  const { uri, password, tls } = database ?? {};
  const all = [uri, password, tls?.ca, tls?.certificate, tls?.key];
  const names = all.flatMap((one) => (one && "secret" in one ? [one.secret.name] : []));
  return [...new Set(names)];
}

function sideCredentials({ cluster, database }: ClusterSideConfig): Credential[] {
  const token = "server" in cluster ? cluster.token : undefined;
  const { uri, password, tls } = database ?? {};
  return [token, uri, password, tls?.certificate, tls?.key].filter((one) => one !== undefined);
}
