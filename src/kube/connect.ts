import { z } from "zod";
import { hasCode, MigrationError } from "../core/errors.ts";
import { programVersion } from "../core/version.ts";
import type { ClusterAccess } from "./access.ts";
import { makeAgents } from "./agents.ts";
import type { Access, AccessAnswer, Cluster } from "./cluster.ts";
import { execute } from "./exec.ts";
import { forwardPort } from "./forward.ts";
import { kubeconfigLogin } from "./kubeconfig-login.ts";
import type { Login } from "./login.ts";
import { readLogs } from "./logs.ts";
import { makeObjects } from "./objects.ts";
import { type Environment, proxyOf } from "./proxy.ts";
import { namespaces } from "./resources.ts";
import { type RetryPolicy, usualRetries } from "./retry.ts";
import { podLogin, serverLogin } from "./server-login.ts";
import { makeTransport, type Transport } from "./transport.ts";
import { watchChanges } from "./watch.ts";

export interface ConnectOptions {
  /** KUBECONFIG, HOME, HTTPS_PROXY, NO_PROXY and, within a pod, KUBERNETES_SERVICE_HOST. */
  environment: Environment;
  /** The migration's id, which the User-Agent carries into the API's audit log. */
  migration?: string | undefined;
  /** Milliseconds for an answer; 30 s unless said otherwise. */
  timeoutMs?: number | undefined;
  /** Milliseconds of silence after which an exec or a port-forward counts as cut; 60 s. */
  silenceMs?: number | undefined;
  /** Milliseconds for which a watch tries to get its connection back; 2 minutes. */
  patienceMs?: number | undefined;
  retries?: RetryPolicy | undefined;
}

/** Makes ready to talk to a cluster; nothing is asked of it yet. */
export async function openCluster(
  access: ClusterAccess,
  options: ConnectOptions,
): Promise<Cluster> {
  const login = await loginOf(access, options.environment);
  const proxy = proxyOf(login.server, login.proxyUrl, options.environment);
  const { timeoutMs = 30_000, patienceMs = 120_000, retries = usualRetries } = options;
  const transport = makeTransport({
    ...{ login, agents: makeAgents(login.server, proxy), timeoutMs, patienceMs, retries },
    userAgent: userAgent(options.migration),
  });
  return makeCluster(transport, options.silenceMs ?? 60_000);
}

function userAgent(migration: string | undefined): string {
  const program = `migctl/${programVersion}`;
  return migration === undefined ? program : `${program} (${migration.replace(/[^ -~]/g, "?")})`;
}

export async function loginOf(access: ClusterAccess, environment: Environment): Promise<Login> {
  if ("server" in access) return serverLogin(access);
  if (!("inCluster" in access)) return kubeconfigLogin(access, environment);
  const login = await podLogin(environment);
  if (login !== undefined) return login;
  throw new MigrationError("E_CONFIG", "This is not a pod with a service account's token", {
    hint: "Give a kubeconfig, or the API's URL with a token file",
  });
}

function makeCluster(transport: Transport, silenceMs: number): Cluster {
  const { login, agents } = transport.options;
  const objects = makeObjects(transport);
  const closing = new AbortController();
  const untilClosed = (signal: AbortSignal | undefined) =>
    signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
  return {
    ...objects,
    server: login.server.href.replace(/\/$/, ""),
    namespace: login.namespace,
    watch: (resource, namespace, { signal, ...options }) =>
      watchChanges(transport, { resource, namespace, options, signal: untilClosed(signal) }),
    exec(target, command, options) {
      const signal = untilClosed(options?.signal);
      return execute(transport, { target, command }, { ...options, signal, silenceMs });
    },
    forward: (target, signal) =>
      forwardPort(transport, target, { signal: untilClosed(signal), silenceMs }),
    logs: (target, options) =>
      readLogs(transport, target, { ...options, signal: untilClosed(options?.signal) }),
    can: (access) => askAccess(transport, access),
    version: () => readVersion(transport),
    uid: () => readUid(objects),
    close() {
      closing.abort(
        new MigrationError("E_INTERRUPTED", "The connection to the cluster was closed"),
      );
      agents.close();
    },
  };
}

const Review = z.looseObject({
  status: z.looseObject({ allowed: z.boolean(), reason: z.string().optional() }),
});

async function askAccess(transport: Transport, access: Access): Promise<AccessAnswer> {
  const { verb, group, resource, subresource, namespace, name } = access;
  const group_ = "authorization.k8s.io";
  const attributes = { verb, group, resource, subresource, namespace, name };
  const answer = await transport.json({
    ...{ method: "POST", path: `/apis/${group_}/v1/selfsubjectaccessreviews` },
    body: {
      apiVersion: `${group_}/v1`,
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: attributes },
    },
    action: { verb: "create", resource: "selfsubjectaccessreviews", group: group_ },
    // It only asks.
    isRepeatable: true,
  });
  const { allowed, reason } = Review.parse(answer).status;
  return { allowed, ...(reason ? { reason } : {}) };
}

async function readVersion(transport: Transport): Promise<string> {
  const action = { verb: "get", resource: "/version", group: "" };
  const answer = await transport.json({ method: "GET", path: "/version", action });
  return z.looseObject({ gitVersion: z.string() }).parse(answer).gitVersion;
}

async function readUid(objects: Pick<Cluster, "get">): Promise<string | undefined> {
  try {
    return (await objects.get(namespaces, "kube-system"))?.metadata.uid;
  } catch (error) {
    if (hasCode(error, "E_PERMISSION")) return undefined;
    throw error;
  }
}
