import { createSign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { KubeObject } from "../../src/kube/resource.ts";
import { apiServer, paths } from "../../tools/cluster/settings.ts";
import { type TestCluster, uniqueName } from "./cluster-client.ts";

export interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

export interface Account {
  namespace: string;
  name: string;
}

/** A ServiceAccount with a Role of exactly these rules. */
export function accountObjects({ namespace, name }: Account, rules: Rule[]): KubeObject[] {
  const metadata = { namespace, name };
  const group = "rbac.authorization.k8s.io";
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    { apiVersion: `${group}/v1`, kind: "Role", metadata, rules },
    {
      ...{ apiVersion: `${group}/v1`, kind: "RoleBinding", metadata },
      roleRef: { apiGroup: group, kind: "Role", name },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
  ];
}

/**
 * A token that the API accepts for so many seconds. The API itself gives none for less than ten
 * minutes; with its key any time can be had, also one that is over. It is lenient for a minute.
 */
export async function tokenFor(
  cluster: TestCluster,
  account: Account,
  seconds = 3600,
): Promise<string> {
  return await signedToken(cluster, account, { seconds });
}

export interface RevocableToken {
  token: string;
  /** From then on the API takes it no more; it may remember for ten seconds that it did. */
  revoke(): Promise<void>;
}

/** A token that is good for as long as a Secret is there. */
export async function revocableToken(
  cluster: TestCluster,
  account: Account,
): Promise<RevocableToken> {
  const { namespace } = account;
  const name = uniqueName("token");
  await cluster.apply({ apiVersion: "v1", kind: "Secret", metadata: { namespace, name } });
  const { metadata } = await cluster.get("secret", name, namespace);
  const secret = { name, uid: metadata.uid };
  return {
    token: await signedToken(cluster, account, { seconds: 3600, boundTo: { secret } }),
    revoke: async () => void (await cluster.kubectl("delete", "secret", name, "-n", namespace)),
  };
}

interface Claims {
  seconds: number;
  boundTo?: Record<string, unknown>;
}

async function signedToken(
  cluster: TestCluster,
  { namespace, name }: Account,
  { seconds, boundTo }: Claims,
): Promise<string> {
  const { metadata } = await cluster.get("serviceaccount", name, namespace);
  const now = Math.floor(Date.now() / 1000);
  const issuer = "https://kubernetes.default.svc";
  const claims = {
    ...{ iss: issuer, aud: [issuer], sub: `system:serviceaccount:${namespace}:${name}` },
    ...{ iat: now - 60, nbf: now - 60, exp: now + seconds },
    "kubernetes.io": { namespace, serviceaccount: { name, uid: metadata.uid }, ...boundTo },
  };
  const signed = [{ alg: "RS256", typ: "JWT" }, claims].map(encode).join(".");
  const key = readFileSync(join(paths.pki, "sa.key"));
  return `${signed}.${createSign("sha256").update(signed).sign(key, "base64url")}`;
}

/** kubectl's flags for who has this token and nothing else. */
export function asBearer(token: string): string[] {
  const authority = `--certificate-authority=${join(paths.pki, "ca.crt")}`;
  return ["--kubeconfig=/dev/null", `--server=${apiServer}`, authority, `--token=${token}`];
}

/** The certificate that the API's is signed with. */
export function clusterCa(): string {
  return readFileSync(join(paths.pki, "ca.crt"), "utf8");
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
