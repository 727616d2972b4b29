import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { folderPart, recordParts } from "../../../src/controller/debug/folder-parts.ts";
import { gather, type Part, packBundle } from "../../../src/controller/debug/gather.ts";
import { objectParts } from "../../../src/controller/debug/object-parts.ts";
import { MigrationError } from "../../../src/core/errors.ts";
import { registerSecret } from "../../../src/core/secrets.ts";
import type { KubeObject } from "../../../src/kube/resource.ts";
import { collectFolder } from "../../../src/state/collect.ts";
import { canariesBelow } from "../../support/canary.ts";
import { fakeCluster } from "../../support/fake-cluster.ts";
import { samplePlan } from "../../support/sample-plan.ts";
import { tempDir } from "../../support/temp-dir.ts";

const { signal } = new AbortController();

/** What is in a bundle of these parts, as tar unpacks it. */
async function unpacked(parts: readonly Part[]): Promise<string> {
  const folder = tempDir();
  const { bytes } = packBundle(await gather(parts), Date.UTC(2026, 0, 2, 3, 4, 5));
  writeFileSync(join(folder, "bundle.tar.gz"), bytes);
  execFileSync("tar", ["-xzpf", "bundle.tar.gz"], { cwd: folder });
  return join(folder, "migctl-debug");
}

function read(folder: string, path: string): string {
  return readFileSync(join(folder, path), "utf8");
}

function objectOf(kind: string, name: string, rest: object, apiVersion = "v1"): KubeObject {
  const labels = {
    "app.kubernetes.io/managed-by": "migctl",
    "app.kubernetes.io/instance": "mvi-full-1",
  };
  const metadata = { name, namespace: "vision", labels };
  return { apiVersion, kind, metadata, ...rest } as KubeObject;
}

it("is an archive that tar unpacks, with an index of what is in it and what is not", async () => {
  const folder = await unpacked([
    { path: "a.json", read: async () => [{ path: "a.json", value: { one: 1n } }] },
    { path: "logs", read: async () => [{ path: "deep/x.log", lines: `${"x".repeat(511)}\n` }] },
    {
      path: "pods.yaml",
      read: async () => {
        throw new MigrationError("E_PERMISSION", "pods is forbidden");
      },
    },
    { path: "plan.json", read: async () => [{ path: "plan.json", missing: "There is none" }] },
  ]);
  expect(JSON.parse(read(folder, "index.json"))).toEqual({
    version: 1,
    made: "2026-01-02T03:04:05.000Z",
    files: [
      { path: "a.json", bytes: 17 },
      { path: "deep/x.log", bytes: 512 },
    ],
    missing: [
      { path: "pods.yaml", reason: "pods is forbidden (E_PERMISSION)" },
      { path: "plan.json", reason: "There is none" },
    ],
  });
  expect(JSON.parse(read(folder, "a.json"))).toEqual({ one: "1" });
  expect(read(folder, "deep/x.log")).toBe(`${"x".repeat(511)}\n`);
  expect(statSync(join(folder, "a.json")).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, "a.json")).mtimeMs).toBe(Date.UTC(2026, 0, 2, 3, 4, 5));
});

it("holds a migration's own objects, of a Secret its keys alone", async () => {
  const secret = Buffer.from("canary-of-a-secret").toString("base64");
  const objects = [
    objectOf("Secret", "mvi-full-1-credentials", { data: { "source.uri": secret } }),
    objectOf("ConfigMap", "mvi-full-1-result", { binaryData: { "plan.json.gz": "H4sI" } }),
    objectOf("Pod", "mvi-full-1-abc", {
      spec: { containers: [{ name: "m", env: [{ name: "DB_PASSWORD", value: "canary-env" }] }] },
      status: {
        containerStatuses: [
          {
            ...{ name: "m", ready: false, restartCount: 3 },
            lastState: { terminated: { exitCode: 137, reason: "OOMKilled" } },
          },
        ],
      },
    }),
    {
      ...objectOf("Pod", "another", { spec: { containers: [] } }),
      metadata: { name: "another", namespace: "vision" },
    },
    objectOf("Event", "e1", {
      involvedObject: { kind: "Pod", name: "mvi-full-1-abc" },
      ...{
        reason: "BackOff",
        message: "token=canary-event",
        lastTimestamp: "2026-01-02T00:00:00Z",
      },
    }),
  ];
  const may = (_verb: string, plural: string) => plural !== "networkpolicies";
  const open = async () => ({
    cluster: fakeCluster({ objects, may }),
    namespace: "vision",
    signal,
  });
  const folder = await unpacked(
    objectParts({ side: "source", name: "mvi-full-1", claim: "data", open }),
  );
  const [pod, ...others] = parse(read(folder, "source/pods.yaml"));
  expect(others).toEqual([]);
  expect(pod.status.containerStatuses[0].lastState.terminated.reason).toBe("OOMKilled");
  expect(pod.spec.containers[0].env).toEqual([{ name: "DB_PASSWORD", value: "***" }]);
  expect(parse(read(folder, "source/secrets.yaml"))[0]).toMatchObject({
    metadata: { name: "mvi-full-1-credentials" },
    keys: ["source.uri"],
  });
  expect(parse(read(folder, "source/configmaps.yaml"))[0].binaryKeys).toEqual(["plan.json.gz"]);
  expect(parse(read(folder, "source/events.yaml"))[0]).toMatchObject({
    ...{ object: "Pod/mvi-full-1-abc", reason: "BackOff", message: "token=***" },
  });
  expect(canariesBelow(folder, ["canary"])).toEqual([]);
  expect(JSON.parse(read(folder, "index.json")).missing).toEqual([
    {
      path: "source/networkpolicies.yaml",
      reason: 'networkpolicies "" is forbidden: cannot list (E_PERMISSION)',
    },
    {
      path: "source/persistentvolumeclaim.yaml",
      reason: 'There is no claim "data" in namespace "vision"',
    },
  ]);
});

it("holds nothing of a Secret that does not say what it is", async () => {
  const data = { "source.uri": Buffer.from("canary-of-a-secret").toString("base64") };
  const cluster = fakeCluster({ objects: [objectOf("Secret", "credentials", { data })] });
  const { list } = cluster;
  cluster.list = async (...asked) => {
    const found = await list(...asked);
    for (const object of found) delete (object as Partial<KubeObject>).kind;
    return found;
  };
  const open = async () => ({ cluster, namespace: "vision", signal });
  const folder = await unpacked(
    objectParts({ side: "source", name: undefined, claim: undefined, open }),
  );
  expect(parse(read(folder, "source/secrets.yaml"))).toMatchObject([{ keys: ["source.uri"] }]);
  expect(canariesBelow(folder, ["canary"])).toEqual([]);
});

it("holds what tells of a folder, damaged or not, and no list of documents or files", async () => {
  registerSecret("canary-known");
  const state = tempDir();
  mkdirSync(join(state, "db/item"), { recursive: true });
  mkdirSync(join(state, "lock"));
  mkdirSync(join(state, "undone-1795289019314"));
  const files: Record<string, string> = {
    "status.json": "{ cut",
    "events.ndjson": `${'{"seq":1}\n'.repeat(120_000)}{"password":"canary-old","seq":2}\n`,
    "manager.log": '{"msg":"uri mongodb://u:canary-uri@h/d and canary-known"}\n',
    "lock/7": '{"owner":"x"}',
    "undone-1795289019314/status.json": "{}",
    "db/item/conflicts.ndjson": '{"_id":"canary-document"}\n',
    "db/item.zip": "canary-archive",
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(state, name), text);
  const folder = await unpacked([
    ...recordParts({
      plan: async () => samplePlan(),
      status: async () => {
        throw new MigrationError("E_INTEGRITY", "Nothing tells how far it is");
      },
    }),
    folderPart(() => collectFolder(state)),
  ]);
  expect(canariesBelow(folder, ["canary"])).toEqual([]);
  expect(readdirSync(join(folder, "folder")).sort()).toEqual([
    ...["events.ndjson", "lock", "manager.log", "status.json", "undone-1795289019314"],
  ]);
  expect(read(folder, "folder/status.json")).toBe("{ cut");
  const journal = read(folder, "folder/events.ndjson");
  expect(journal.length).toBeLessThanOrEqual(1024 * 1024);
  expect(journal).toMatch(/^\{"seq":1\}\n/);
  expect(journal.endsWith('{"password":"***","seq":2}\n')).toBe(true);
  const { listing } = JSON.parse(read(folder, "folder.json"));
  expect(listing.some((line: string) => /^644 14 \S+ db\/item\.zip$/.test(line))).toBe(true);
  expect(JSON.parse(read(folder, "plan.json"))).toEqual(samplePlan());
  const { missing } = JSON.parse(read(folder, "index.json"));
  const reason = "Nothing tells how far it is (E_INTEGRITY)";
  expect(missing).toEqual([
    { path: "status.json", reason },
    { path: "report.json", reason },
  ]);
});
