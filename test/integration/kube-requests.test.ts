import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { expect, it } from "vitest";
import { redactText } from "../../src/core/secrets.ts";
import type { Change, Cluster } from "../../src/kube/cluster.ts";
import type { ConfigMap } from "../../src/kube/namespace-objects.ts";
import { portableLogin } from "../../src/kube/portable-login.ts";
import { configMaps } from "../../src/kube/resources.ts";
import { startConnectProxy, startSocksProxy } from "../support/proxies.ts";
import { tempDir } from "../support/temp-dir.ts";
import { answerJson, apiHost, makeCertificate, openFor, refuse, startApi } from "./kube-rig.ts";

const version = { gitVersion: "v1.34.4" };

it("reads the token before each request, and masks it everywhere", async () => {
  const api = await startApi({ answer: (_, response) => answerJson(response, version) });
  const cluster = await openFor(api.access, { migration: "full-1a2b" });
  await cluster.version();
  api.setToken("second-token");
  await cluster.version();
  expect(api.requests.map(({ headers }) => headers.authorization)).toEqual([
    "Bearer first-token",
    "Bearer second-token",
  ]);
  expect(api.requests[0]?.headers["user-agent"]).toMatch(/^migctl\/\d+\.\d+\.\d+ \(full-1a2b\)$/);
  expect(redactText("first-token second-token")).toBe("*** ***");
});

it("tries a refused log-in once more, with what the file holds by then", async () => {
  const api = await startApi({
    answer(request, response) {
      const isRenewed = request.headers.authorization === "Bearer renewed";
      // As a Secret's volume: the new token comes while the old one is refused.
      api.setToken("renewed");
      if (isRenewed) answerJson(response, version);
      else refuse(response, 401, "Unauthorized");
    },
  });
  expect(await (await openFor(api.access)).version()).toBe("v1.34.4");
  expect(api.requests).toHaveLength(2);
});

it("gives up after a second refusal of the log-in", async () => {
  const api = await startApi({ answer: (_, response) => refuse(response, 401, "Unauthorized") });
  const failure = (await openFor(api.access)).version();
  await expect(failure).rejects.toMatchObject({
    code: "E_AUTHENTICATION",
    message: "The Kubernetes API refused the log-in: Unauthorized",
  });
  expect(api.requests).toHaveLength(2);
});

it.each([429, 502, 503, 504])("asks again after a status of %i", async (status) => {
  const api = await startApi({
    answer(_, response, number) {
      if (number < 3) refuse(response, status, "Busy");
      else answerJson(response, version);
    },
  });
  expect(await (await openFor(api.access)).version()).toBe("v1.34.4");
});

it("asks again after a connection that was cut before the answer or within it", async () => {
  const api = await startApi({
    answer(request, response, number) {
      if (number === 1) return request.socket.destroy();
      if (number > 2) return answerJson(response, version);
      response.writeHead(200, { "content-length": "1000" });
      response.write('{"gitVersion":', () => request.socket.destroy());
      return undefined;
    },
  });
  expect(await (await openFor(api.access)).version()).toBe("v1.34.4");
});

it("gives up after some attempts, in the API's own words", async () => {
  const api = await startApi({
    answer: (_, response) => refuse(response, 503, "ServiceUnavailable", "etcd has no leader"),
  });
  const failure = (await openFor(api.access)).version();
  await expect(failure).rejects.toMatchObject({
    code: "E_UNAVAILABLE",
    message: expect.stringContaining("etcd has no leader"),
  });
  expect(api.requests).toHaveLength(4);
});

it("never repeats a creation whose fate is unknown, and does where it was not begun", async () => {
  const api = await startApi({
    answer(request, response, number) {
      if (number === 1) refuse(response, 429, "TooManyRequests");
      else request.socket.destroy();
    },
  });
  const metadata = { name: "one", namespace: "here" };
  const failure = (await openFor(api.access)).create({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata,
  });
  await expect(failure).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
  expect(api.requests).toHaveLength(2);
});

it("does not wait for ever for an answer", async () => {
  const api = await startApi({ answer: () => {} });
  const failure = (await openFor(api.access, { timeoutMs: 50 })).version();
  await expect(failure).rejects.toMatchObject({
    code: "E_UNAVAILABLE",
    message: `Cannot reach ${api.access.server}: no answer in 0.05 seconds`,
  });
});

it("ends a request by its signal, with the signal's reason", async () => {
  const stop = new AbortController();
  const api = await startApi({ answer: () => stop.abort(new Error("enough")) });
  const cluster = await openFor(api.access);
  const list = cluster.list(configMaps, "here", { signal: stop.signal });
  await expect(list).rejects.toThrow("enough");
});

it("trusts only the given authority, and only the server's own name", async () => {
  const api = await startApi({ answer: (_, response) => answerJson(response, version) });
  const { caFile: _, ...without } = api.access;
  const refusals = [
    without,
    { ...api.access, caFile: makeCertificate(tempDir(), "other").cert },
    { ...api.access, tlsServerName: "another.example.test" },
  ];
  for (const access of refusals) {
    const cluster = await openFor(access);
    await expect(cluster.version()).rejects.toMatchObject({ code: "E_TLS" });
  }
  expect(api.requests).toHaveLength(0);
  for (const access of [
    { ...api.access, tlsServerName: apiHost },
    { ...without, insecureSkipTlsVerify: true },
  ]) {
    expect(await (await openFor(access)).version()).toBe("v1.34.4");
  }
});

it("shows a client certificate, and masks its key everywhere", async () => {
  const shown: unknown[] = [];
  const api = await startApi({
    clientCertificate: true,
    answer(request, response) {
      if (request.socket instanceof TLSSocket) {
        shown.push(request.socket.getPeerCertificate().subject?.CN);
      }
      answerJson(response, version);
    },
  });
  const { key, cert } = makeCertificate(tempDir(), "operator");
  const files = { clientKeyFile: key, clientCertificateFile: cert };
  await (await openFor({ ...api.access, ...files })).version();
  const kubeconfig = join(tempDir(), "config");
  const user = { "client-certificate": cert, "client-key": key };
  writeFileSync(kubeconfig, kubeconfigText(api.access, user));
  await (await openFor({ kubeconfig })).version();
  expect(shown).toEqual(["operator", "operator"]);
  const body = readFileSync(key, "utf8").split("\n")[1] ?? "";
  expect(redactText(`a line of it: ${body}`)).toBe("a line of it: ***");
  const other = makeCertificate(tempDir(), "other");
  const data = {
    "client-certificate-data": base64(other.cert),
    "client-key-data": base64(other.key),
  };
  writeFileSync(kubeconfig, kubeconfigText(api.access, { ...data, password: "basic-canary" }));
  const login = await portableLogin({ kubeconfig }, {});
  expect(login.key).toContain("PRIVATE KEY");
  expect(redactText(`${login.key}`)).toBe("***");
  expect(redactText("basic-canary")).toBe("***");
});

function base64(path: string): string {
  return readFileSync(path).toString("base64");
}

function kubeconfigText(
  { server, caFile }: { server: string; caFile?: string | undefined },
  user: Record<string, unknown>,
  cluster: Record<string, unknown> = {},
): string {
  return JSON.stringify({
    clusters: [{ name: "c", cluster: { server, "certificate-authority": caFile, ...cluster } }],
    users: [{ name: "u", user }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u", namespace: "theirs" } }],
    "current-context": "x",
  });
}

it("lists page by page, and anew when the pages have expired", async () => {
  const api = await startApi({
    answer(request, response, number) {
      const asked = new URL(request.url ?? "", "https://x").searchParams;
      if (number === 2) return refuse(response, 410, "Expired");
      const isFirst = asked.get("continue") === null;
      answerJson(response, {
        metadata: { resourceVersion: "5", ...(isFirst ? { continue: "more" } : {}) },
        items: [{ metadata: { name: isFirst ? "one" : "two" } }],
      });
    },
  });
  const found = await (await openFor(api.access)).list(configMaps, "here", { labels: "a=b" });
  expect(found.map(({ metadata }) => metadata.name)).toEqual(["one", "two"]);
  expect(found[0]).toMatchObject({ apiVersion: "v1", kind: "ConfigMap" });
  expect(api.requests[0]?.url).toBe(
    "/api/v1/namespaces/here/configmaps?labelSelector=a%3Db&limit=500",
  );
  expect(api.requests).toHaveLength(4);
});

it("tells each change once over cut, ended and expired watches", async () => {
  const map = (name: string, resourceVersion: string) => ({
    metadata: { name, namespace: "here", uid: `uid-${name}`, resourceVersion },
  });
  const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`;
  const watched: (string | null)[] = [];
  let lists = 0;
  const api = await startApi({
    answer(request, response) {
      const asked = new URL(request.url ?? "", "https://x").searchParams;
      if (asked.get("watch") === null) {
        const items = [
          [map("gone", "1"), map("kept", "2")],
          [map("kept", "30"), map("new", "31")],
        ][lists++];
        return answerJson(response, { metadata: { resourceVersion: `${lists * 10}` }, items });
      }
      const scenes = [
        // Cut in the middle of a line.
        () =>
          response.write(`${line("MODIFIED", map("kept", "11"))}{"type":"MOD`, () =>
            request.socket.destroy(),
          ),
        // Ended by the server, with a bookmark as the last word.
        () => response.end(line("BOOKMARK", { metadata: { resourceVersion: "15" } })),
        () => response.end(line("ERROR", { kind: "Status", code: 410, reason: "Expired" })),
        () => response.write(line("DELETED", map("new", "33"))),
      ];
      response.writeHead(200);
      scenes[watched.push(asked.get("resourceVersion")) - 1]?.();
      return undefined;
    },
  });
  const changes = await take(await openFor(api.access), 6);
  expect(changes.map(({ type, object: { metadata } }) => [type, metadata.name])).toEqual([
    ["ADDED", "gone"],
    ["ADDED", "kept"],
    ["MODIFIED", "kept"],
    ["DELETED", "gone"],
    ["MODIFIED", "kept"],
    ["ADDED", "new"],
  ]);
  expect(watched).toEqual(["10", "11", "15"]);
});

async function take(cluster: Cluster, count: number): Promise<Change<ConfigMap>[]> {
  const changes: Change<ConfigMap>[] = [];
  const { signal } = new AbortController();
  for await (const change of cluster.watch(configMaps, "here", { signal })) {
    if (changes.push(change) === count) break;
  }
  return changes;
}

it("ends a watch by its signal, and one that is not allowed by the API's words", async () => {
  const stop = new AbortController();
  const api = await startApi({
    answer(request, response) {
      if (request.url?.includes("denied")) {
        const words = 'configmaps is forbidden: User "u" cannot watch resource "configmaps"';
        return refuse(response, 403, "Forbidden", words);
      }
      if (!request.url?.includes("watch=1")) return answerJson(response, { metadata: {} });
      stop.abort(new Error("enough"));
      return undefined;
    },
  });
  const cluster = await openFor(api.access);
  const watched = async (namespace: string, signal: AbortSignal) => {
    for await (const _ of cluster.watch(configMaps, namespace, { signal }));
  };
  await expect(watched("here", stop.signal)).rejects.toThrow("enough");
  await expect(watched("denied", new AbortController().signal)).rejects.toMatchObject({
    code: "E_PERMISSION",
    hint: expect.stringContaining("kubectl auth can-i watch configmaps -n denied"),
  });
});

it("ends a log that is cut with an error", async () => {
  const api = await startApi({
    answer(request, response) {
      response.writeHead(200);
      response.write("first line\n", () => request.socket.destroy());
    },
  });
  const cluster = await openFor(api.access);
  const logs = await cluster.logs({ namespace: "here", pod: "one" }, { follow: true, tail: 3 });
  const read = async () => {
    for await (const _ of logs);
  };
  await expect(read()).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
  expect(api.requests[0]?.url).toBe("/api/v1/namespaces/here/pods/one/log?follow=true&tailLines=3");
});

it("goes through the proxy of the environment but for what NO_PROXY excepts", async () => {
  const api = await startApi({ answer: (_, response) => answerJson(response, version) });
  const proxy = await startConnectProxy(api.port);
  const access = { ...api.access, server: `https://${apiHost}:6443` };
  const withLogin = proxy.url.replace("//", "//me:secret-of-proxy@");
  const cluster = await openFor(access, { environment: { HTTPS_PROXY: withLogin } });
  expect(await cluster.version()).toBe("v1.34.4");
  expect(proxy.asked).toEqual([
    {
      target: `${apiHost}:6443`,
      authorization: `Basic ${Buffer.from("me:secret-of-proxy").toString("base64")}`,
    },
  ]);
  expect(redactText("secret-of-proxy")).toBe("***");
  const environment = { HTTPS_PROXY: proxy.url, NO_PROXY: ".example.test" };
  const excepted = await openFor(access, { environment });
  await expect(excepted.version()).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
  expect(proxy.asked).toHaveLength(1);
});

it.each([
  ["an HTTP proxy", startConnectProxy],
  ["a SOCKS5 proxy", startSocksProxy],
])("goes through %s that the kubeconfig names", async (_, startProxy) => {
  const api = await startApi({ answer: (_, response) => answerJson(response, version) });
  const proxy = await startProxy(api.port);
  const kubeconfig = join(tempDir(), "config");
  const server = `https://${apiHost}:6443`;
  const text = kubeconfigText(
    { ...api.access, server },
    { token: "token-of-file" },
    { "proxy-url": proxy.url },
  );
  writeFileSync(kubeconfig, text);
  const cluster = await openFor({ kubeconfig }, { environment: { NO_PROXY: "*" } });
  expect(await cluster.version()).toBe("v1.34.4");
  expect(proxy.asked.map(({ target }) => target)).toEqual([`${apiHost}:6443`]);
  expect(api.requests[0]?.headers.authorization).toBe("Bearer token-of-file");
  expect(cluster.namespace).toBe("theirs");
});

it("runs a kubeconfig's plugin, and once more when its token is refused", async () => {
  const api = await startApi({
    answer(request, response) {
      if (request.headers.authorization === "Bearer run-2") answerJson(response, version);
      else refuse(response, 401, "Unauthorized");
    },
  });
  const folder = tempDir();
  const kubeconfig = join(folder, "config");
  writeFileSync(
    join(folder, "plugin.sh"),
    `#!/bin/sh
echo run >> "${folder}/runs"
case "$KUBERNETES_EXEC_INFO" in *'"apiVersion":"client.authentication.k8s.io/v1"'*) ;; *) exit 1;; esac
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"run-%s"}}' "$(grep -c run "${folder}/runs")"
`,
    { mode: 0o755 },
  );
  const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "./plugin.sh" };
  writeFileSync(kubeconfig, kubeconfigText(api.access, { exec }));
  const cluster = await openFor({ kubeconfig });
  expect(await cluster.version()).toBe("v1.34.4");
  expect(await cluster.version()).toBe("v1.34.4");
  expect(api.requests.map(({ headers }) => headers.authorization)).toEqual([
    "Bearer run-1",
    "Bearer run-2",
    "Bearer run-2",
  ]);
});

it("tells what a plugin said that failed", async () => {
  const kubeconfig = join(tempDir(), "config");
  const exec = { command: "sh", args: ["-c", "echo log in first >&2; exit 1"] };
  writeFileSync(kubeconfig, kubeconfigText({ server: "https://127.0.0.1:1" }, { exec }));
  await expect((await openFor({ kubeconfig })).version()).rejects.toMatchObject({
    code: "E_AUTHENTICATION",
    message: "No credentials: log in first",
  });
});

it("sends names to no other object", async () => {
  const api = await startApi({ answer: (_, response) => answerJson(response, {}) });
  const cluster = await openFor(api.access);
  const pod = "../../namespaces/kube-system/pods/x";
  for (const attempt of [
    () => cluster.get(configMaps, pod, "here"),
    () => cluster.get(configMaps, "one", "here/../there"),
    () => cluster.exec({ namespace: "here", pod }, ["true"]),
    () => cluster.forward({ namespace: "here", pod, port: 1 }),
    () => cluster.logs({ namespace: "here", pod: "one", container: "a&b" }),
    () => cluster.delete(configMaps, "", "here"),
  ]) {
    await expect(attempt()).rejects.toMatchObject({ code: "E_USAGE" });
  }
  expect(api.requests).toHaveLength(0);
});
