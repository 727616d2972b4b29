import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Credential } from "../../config/credential.ts";
import type { ClusterConfig } from "../../config/network.ts";
import type { ClusterAccess } from "../../kube/access.ts";
import type { SideName } from "./discovered.ts";
import { type CredentialSources, readCredential } from "./read-credential.ts";

export interface AccessTools extends CredentialSources {
  /** A folder that only we can read and that is removed at the end: for a token that is in no file. */
  folder: string;
}

/** How to reach a side's API. A token that is in a file stays there, as it may be renewed. */
export async function clusterAccessOf(
  side: SideName,
  cluster: ClusterConfig,
  tools: AccessTools,
): Promise<ClusterAccess> {
  if ("inCluster" in cluster || !("server" in cluster)) return cluster;
  const { token, ...access } = cluster;
  if (token === undefined) return access;
  return { ...access, tokenFile: await tokenFile(side, token, tools) };
}

async function tokenFile(side: SideName, token: Credential, tools: AccessTools): Promise<string> {
  if ("file" in token) return token.file;
  const path = join(tools.folder, `${side}-token`);
  const value = await readCredential(token, `token of the ${side}'s API`, tools);
  await writeFile(path, value, { mode: 0o600 });
  return path;
}
