import { readFile } from "node:fs/promises";
import type { RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import { codeOf, MigrationError } from "../core/errors.ts";
import { registerSecret } from "../core/secrets.ts";
import { type Kubeconfig, readKubeconfig, type UserEntry } from "./kubeconfig-file.ts";
import type { Credentials, Login } from "./login.ts";
import type { Environment } from "./proxy.ts";
import { podLogin, serverUrl } from "./server-login.ts";

interface Choice {
  kubeconfig?: string | undefined;
  context?: string | undefined;
}

/** What kubectl would use; where there is no kubeconfig at all, the account of the pod. */
export async function kubeconfigLogin(choice: Choice, environment: Environment): Promise<Login> {
  const load = () => readKubeconfig(choice.kubeconfig, environment);
  const config = await load();
  const isChosen = choice.kubeconfig !== undefined || choice.context !== undefined;
  if (!isChosen && (config.contexts ?? []).length === 0) {
    const login = await podLogin(environment);
    if (login !== undefined) return login;
  }
  const context = chosenContext(config, choice.context);
  const { cluster, namespace } = context;
  const server = serverUrl(cluster.server, cluster["insecure-skip-tls-verify"] === true);
  let client = await makeClient(context);
  return {
    server,
    namespace: namespace || undefined,
    proxyUrl: cluster["proxy-url"] || undefined,
    credentials: () => client(),
    /** Also what kubectl or oc wrote into the file meanwhile. */
    async renew() {
      client = await makeClient(chosenContext(await load(), context.name));
    },
  };
}

type ChosenContext = ReturnType<typeof chosenContext>;

function chosenContext(config: Kubeconfig, wanted: string | undefined) {
  const name = wanted ?? config["current-context"];
  const names = (config.contexts ?? []).map((context) => context.name);
  if (!name) {
    const message = names.length > 0 ? "has no current context" : "is not there, or is empty";
    throw new MigrationError("E_CONFIG", `The kubeconfig ${message}`, {
      hint: "Give --kubeconfig and --context, or set KUBECONFIG",
    });
  }
  const context = config.contexts?.find((one) => one.name === name)?.context;
  const cluster = config.clusters?.find((one) => one.name === context?.cluster)?.cluster;
  if (context === undefined || cluster === undefined) {
    throw new MigrationError("E_CONFIG", `The kubeconfig has no context "${name}" with a cluster`, {
      hint: names.length > 0 ? `There are: ${names.join(", ")}` : "There are none",
    });
  }
  const user = config.users?.find((one) => one.name === context.user)?.user ?? {};
  return { name, namespace: context.namespace, cluster, user, userName: context.user ?? "" };
}

/** The client's own ways to log in: certificates, passwords, exec plugins and OIDC. */
async function makeClient({
  name,
  user,
  userName,
  cluster,
}: ChosenContext): Promise<() => Promise<Credentials>> {
  // It is large: only who comes by a kubeconfig waits for it.
  const { KubeConfig } = await import("./client-config.ts");
  const client = new KubeConfig();
  const withoutProxy = { ...cluster, "proxy-url": undefined };
  const config = {
    clusters: [{ name: "cluster", cluster: withoutProxy }],
    users: [{ name: userName || "user", user: prepared(user, cluster) }],
    contexts: [{ name, context: { cluster: "cluster", user: userName || "user" } }],
    "current-context": name,
  };
  try {
    client.loadFromString(JSON.stringify(config));
  } catch (cause) {
    throw new MigrationError("E_CONFIG", `The kubeconfig's context "${name}" cannot be used`, {
      cause,
      hint: wordsOf(cause),
    });
  }
  return () => readCredentials(client, user);
}

/** What the client expects elsewhere: the version that a plugin shall speak is told to it. */
function prepared(user: UserEntry, cluster: ChosenContext["cluster"]): unknown {
  if (!user.exec) return user;
  const { exec } = user;
  const info = {
    apiVersion: exec.apiVersion,
    kind: "ExecCredential",
    spec: {
      interactive: false,
      ...(exec["provideClusterInfo"] === true ? { cluster: clusterInfo(cluster) } : {}),
    },
  };
  const told = { name: "KUBERNETES_EXEC_INFO", value: JSON.stringify(info) };
  return { ...user, exec: { ...exec, env: [...(exec.env ?? []), told] } };
}

function clusterInfo(cluster: ChosenContext["cluster"]): Record<string, unknown> {
  const keys = ["server", "tls-server-name", "insecure-skip-tls-verify", "proxy-url"];
  return {
    ...Object.fromEntries(keys.map((key) => [key, cluster[key]])),
    "certificate-authority-data": cluster["certificate-authority-data"],
  };
}

async function readCredentials(client: KubeConfig, user: UserEntry): Promise<Credentials> {
  const options: RequestOptions = {};
  try {
    await client.applyToHTTPSOptions(options);
  } catch (error) {
    throw new MigrationError("E_AUTHENTICATION", `No credentials: ${wordsOf(error)}`, {
      cause: error,
      hint: 'Try "kubectl get --raw /version" with the same kubeconfig',
    });
  }
  const headers = { ...toHeaders(options), ...impersonation(user) };
  if (user.tokenFile) {
    headers["authorization"] = `Bearer ${(await readToken(user.tokenFile)).trim()}`;
  }
  registerAuthorization(headers["authorization"]);
  const { ca, cert, key, servername, rejectUnauthorized } = options;
  for (const one of [key, options.passphrase, user.password]) registerText(one);
  return {
    headers,
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(servername === undefined ? {} : { servername }),
      rejectUnauthorized: rejectUnauthorized ?? true,
    },
  };
}

function toHeaders({ headers, auth }: RequestOptions): Credentials["headers"] {
  const lower = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]);
  const basic = auth ? { authorization: `Basic ${Buffer.from(auth).toString("base64")}` } : {};
  return { ...basic, ...Object.fromEntries(lower) };
}

function impersonation(user: UserEntry): Credentials["headers"] {
  return {
    ...(user["as-groups"] ? { "impersonate-group": user["as-groups"] } : {}),
    ...(user["as-uid"] ? { "impersonate-uid": user["as-uid"] } : {}),
  };
}

async function readToken(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new MigrationError("E_CONFIG", `Cannot read the token file "${path}"`, {
      cause: error,
      hint: `${codeOf(error)}`,
    });
  }
}

function registerAuthorization(value: unknown) {
  if (typeof value === "string") registerSecret(value.replace(/^\S+ /, ""));
}

function registerText(value: unknown) {
  if (typeof value === "string" || Buffer.isBuffer(value)) registerSecret(value.toString());
}

function wordsOf(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error);
  return words.trim().slice(0, 500) || "the kubeconfig's plugin failed without a word";
}
