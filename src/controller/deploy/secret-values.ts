import { portableLogin } from "../../kube/portable-login.ts";
import {
  connectionUriOf,
  type DatabaseCredentials,
  readDatabaseCredentials,
} from "../discover/connection-uri.ts";
import type { Discovered } from "../discover/discovered.ts";
import { credentialFile, credentialKeys } from "../render/pod-paths.ts";
import type { Route } from "./endpoints.ts";
import type { DiscoveredSides, Side, Sides, SideTools } from "./sides.ts";

/** What the manager logs in with, by the keys of its Secret, and what may be said of it. */
export interface SecretValues {
  values: Record<string, string>;
  login: Omit<Route, "transport" | "link" | "pod">;
}

/** Reads every credential that the manager needs; what is missing is told before anything is made. */
export async function readSecretValues(
  sides: Sides,
  found: DiscoveredSides,
  tools: SideTools,
): Promise<SecretValues> {
  const fileOf = credentialFile;
  const source: Record<string, string> = {};
  await addDatabase(source, { found: found.source, side: sides.source, tools, fileOf }, [
    credentialKeys.sourceUri,
    credentialKeys.sourceDatabaseCa,
    credentialKeys.sourceDatabaseClient,
  ]);
  const destination = { found: found.destination, side: sides.destination, tools, fileOf };
  const { values, login } = await readDestinationValues(destination);
  return { values: { ...source, ...values }, login };
}

/** As `readSecretValues`, of the destination alone. */
export async function readDestinationValues(of: Of): Promise<SecretValues> {
  const values: Record<string, string> = {};
  const keys = credentialKeys;
  await addDatabase(values, of, [
    keys.destinationUri,
    keys.destinationDatabaseCa,
    keys.destinationDatabaseClient,
  ]);
  const login = await portableLogin(of.side.access, of.tools.env);
  const { token, ca, certificate, key, ...rest } = login;
  const files = [
    [keys.destinationToken, token],
    [keys.destinationCa, ca],
    [keys.destinationCertificate, certificate],
    [keys.destinationKey, key],
  ] as const;
  for (const [name, text] of files) if (text !== undefined) values[name] = text;
  return {
    values,
    login: {
      ...rest,
      hasToken: token !== undefined,
      hasCa: ca !== undefined,
      hasCertificate: certificate !== undefined && key !== undefined,
    },
  };
}

interface Of {
  found: Pick<Discovered, "side" | "namespace" | "database">;
  side: Pick<Side<unknown>, "cluster" | "access">;
  tools: Pick<SideTools, "env">;
  /** Where the manager finds what is kept by a key. */
  fileOf(key: string): string;
}

async function addDatabase(
  values: Record<string, string>,
  { found, side, tools, fileOf }: Of,
  [uriKey, caKey, clientKey]: readonly [uri: string, ca: string, client: string],
) {
  const { database } = found;
  if (database === undefined) return;
  const secrets = { cluster: side.cluster, namespace: found.namespace.value };
  const credentials: DatabaseCredentials = await readDatabaseCredentials(found, {
    env: tools.env,
    secrets,
  });
  const known = { side: found.side, database };
  const files = { ca: fileOf(caKey), client: fileOf(clientKey) };
  values[uriKey] = connectionUriOf(known, credentials, files);
  if (credentials.ca !== undefined) values[caKey] = credentials.ca;
  if (credentials.client !== undefined) values[clientKey] = credentials.client;
}
