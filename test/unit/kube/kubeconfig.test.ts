import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect, it } from "vitest";
import { openCluster } from "../../../src/kube/connect.ts";
import { readKubeconfig } from "../../../src/kube/kubeconfig-file.ts";
import { tempDir } from "../../support/temp-dir.ts";

interface Entry {
  context: string;
  server: string;
  current?: boolean;
  user?: Record<string, unknown>;
}

function write(path: string, entries: readonly Entry[]): string {
  const config = {
    clusters: entries.map(({ context, server }) => ({ name: `c-${context}`, cluster: { server } })),
    users: entries.map(({ context, user }) => ({ name: `u-${context}`, user: user ?? {} })),
    contexts: entries.map(({ context }) => ({
      name: context,
      context: { cluster: `c-${context}`, user: `u-${context}`, namespace: `of-${context}` },
    })),
    "current-context": entries.find(({ current }) => current)?.context ?? "",
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

function twoFiles() {
  const folder = tempDir();
  const first = write(join(folder, "first"), [
    { context: "a", server: "https://a.test" },
    { context: "b", server: "https://b.test", current: true },
  ]);
  const second = write(join(folder, "second"), [
    { context: "a", server: "https://other-a.test" },
    { context: "c", server: "https://c.test", current: true },
  ]);
  return { folder, first, second };
}

it("merges what KUBECONFIG lists as kubectl does: the first one wins, a missing one is nothing", async () => {
  const { folder, first, second } = twoFiles();
  const missing = join(folder, "missing");
  const environment = { KUBECONFIG: [missing, first, second].join(delimiter) };
  const open = (context?: string) => openCluster({ context }, { environment });
  expect(await open()).toMatchObject({ server: "https://b.test", namespace: "of-b" });
  expect(await open("a")).toMatchObject({ server: "https://a.test" });
  expect(await open("c")).toMatchObject({ server: "https://c.test" });
  await expect(open("d")).rejects.toMatchObject({
    code: "E_CONFIG",
    message: 'The kubeconfig has no context "d" with a cluster',
    hint: "There are: a, b, c",
  });
});

it("takes the file that is named before KUBECONFIG, and that one must be there", async () => {
  const { folder, first, second } = twoFiles();
  const environment = { KUBECONFIG: first };
  expect(await openCluster({ kubeconfig: second }, { environment })).toMatchObject({
    server: "https://c.test",
  });
  const kubeconfig = join(folder, "missing");
  await expect(openCluster({ kubeconfig }, { environment })).rejects.toMatchObject({
    code: "E_CONFIG",
    message: `Cannot read the kubeconfig "${kubeconfig}"`,
    hint: "There is no such file",
  });
});

it("takes ~/.kube/config where nothing is said, and says so where there is none", async () => {
  const home = tempDir();
  const environment = { HOME: home };
  await expect(openCluster({}, { environment })).rejects.toMatchObject({
    code: "E_CONFIG",
    message: "The kubeconfig is not there, or is empty",
  });
  mkdirSync(join(home, ".kube"));
  write(join(home, ".kube", "config"), [{ context: "a", server: "https://a.test", current: true }]);
  expect(await openCluster({}, { environment })).toMatchObject({ server: "https://a.test" });
});

it("sees relative paths from the file's own folder", async () => {
  const folder = tempDir();
  const user = {
    "client-certificate": "certs/me.crt",
    "client-key": "/abs/me.key",
    tokenFile: "token",
    exec: { command: "./bin/plugin" },
  };
  const path = write(join(folder, "config"), [{ context: "a", server: "https://a.test", user }]);
  const config = await readKubeconfig(path, {});
  expect(config.users?.[0]?.user).toMatchObject({
    "client-certificate": join(folder, "certs/me.crt"),
    "client-key": "/abs/me.key",
    tokenFile: join(folder, "token"),
    exec: { command: join(folder, "bin/plugin") },
  });
});

it("tells where a kubeconfig is malformed, and nothing of what stands there", async () => {
  const path = join(tempDir(), "config");
  writeFileSync(path, 'users: [{name: u, user: {token: "secret-token", tokenFile: 5}}]');
  await expect(readKubeconfig(path, {})).rejects.toMatchObject({
    code: "E_CONFIG",
    hint: expect.stringMatching(/^users\.0\.user\.tokenFile: (?!.*secret-token)/),
  });
  writeFileSync(path, 'users: [{token: "secret-token"');
  const failure = await readKubeconfig(path, {}).catch((error: unknown) => error);
  expect(failure).toMatchObject({ hint: "It is not YAML: see line 1" });
  // Its message would show the line.
  expect(failure).not.toHaveProperty("cause");
});

it.each([
  ["http://api.test", "would get credentials unencrypted"],
  ["api.test:6443", "is not the URL of a Kubernetes API server"],
  ["https://me:pass@api.test", "has credentials in it"],
])("refuses the server %s", async (server, message) => {
  await expect(openCluster({ server }, { environment: {} })).rejects.toMatchObject({
    code: "E_CONFIG",
    message: expect.stringContaining(message),
  });
});

it("says so where it is not in a pod", async () => {
  await expect(openCluster({ inCluster: true }, { environment: {} })).rejects.toMatchObject({
    code: "E_CONFIG",
    message: "This is not a pod with a service account's token",
  });
});
