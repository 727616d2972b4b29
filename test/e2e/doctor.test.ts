import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Finding } from "../../src/controller/doctor/finding.ts";
import { noCluster, testCluster } from "../support/cluster.ts";
import { type ClusterBed, makeBed } from "../support/cluster-bed.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

let bed: ClusterBed;

/** migctl doctor's own JSON, by the checks' ids. */
async function doctor(...args: string[]) {
  const ran = await bed.migctl("doctor", "-o", "json", ...args);
  const { checks } = JSON.parse(ran.stdout) as { checks: Finding[] };
  return { ...ran, checks, of: (id: string) => checks.filter((one) => one.id === id) };
}

function severities(checks: readonly Finding[], severity: Finding["severity"]) {
  return checks.filter((one) => one.severity === severity).map(({ id, seen }) => `${id}: ${seen}`);
}

async function removed(one: ClusterBed | undefined) {
  if (one === undefined) return;
  await one.remove();
  removeTree(one.folder);
}

describe.skipIf(noCluster)("migctl doctor in a real cluster", () => {
  beforeAll(async () => {
    bed = await makeBed(testCluster(), { folder: makeDir() });
  });
  afterAll(() => removed(bed));

  it("finds two healthy sides healthy, with the documented rights alone", async () => {
    const { checks, code, of, stdout, stderr } = await doctor("--quiesce", "--after", "run");
    expect(severities(checks, "error")).toEqual([]);
    expect(severities(checks, "warning")).toEqual([]);
    expect(code).toBe(0);
    for (const id of ["source.rights", "destination.rights", "pod", "source.files"]) {
      expect(of(id)).toMatchObject([{ severity: "ok" }]);
    }
    expect(of("source.database")).toMatchObject([
      { severity: "ok", seen: expect.stringMatching(/^MongoDB 4\.2.* user admin/) },
    ]);
    expect(of("destination.database")).toMatchObject([
      { severity: "ok", seen: expect.stringMatching(/^MongoDB 6\.0/) },
    ]);
    expect(of("destination.receiver")).toMatchObject([{ severity: "ok" }]);
    expect(of("api.traffic")).toMatchObject([{ severity: "ok" }]);
    for (const canary of bed.canaries) expect(stdout + stderr).not.toContain(canary);
  });

  it("leaves nothing behind", async () => {
    const label = "app.kubernetes.io/managed-by=migctl";
    for (const { namespace } of [bed.source, bed.destination]) {
      const kinds = "pods,jobs,deployments,configmaps,secrets,serviceaccounts";
      const left = await bed.cluster.kubectl(
        "get",
        kinds,
        "-n",
        namespace,
        "-l",
        label,
        "-o",
        "name",
      );
      expect(left.trim()).toBe("");
    }
  });

  it("counts what would cross the API server, where that is the way", async () => {
    mkdirSync(join(bed.source.data, "ann"), { recursive: true });
    writeFileSync(join(bed.source.data, "ann", "one.bin"), Buffer.alloc(3 * 1024 * 1024));
    const { of } = await doctor("--transport", "exec");
    expect(of("api.traffic")).toMatchObject([
      { severity: "info", seen: expect.stringMatching(/^3\.0 MiB of files.* would cross/) },
    ]);
  });

  it("names tasks that run, and states that it does not know", async () => {
    const client = new MongoClient(bed.source.uri);
    try {
      const { database } = bed.source.release;
      const tasks = client.db(database).collection<{ _id: string; status: string }>("DLTasks");
      await tasks.insertMany([
        { _id: "1", status: "running" },
        { _id: "2", status: "trained" },
        { _id: "3", status: "paused" },
      ]);
    } finally {
      await client.close();
    }
    const { of, code } = await doctor();
    expect(code).toBe(0);
    expect(of("source.activity")).toMatchObject([
      {
        severity: "warning",
        seen: 'The source works, as its documents say: 1 training task "running" (DLTasks)',
        details: [expect.stringContaining('1 DLTasks have the state "paused"')],
      },
    ]);
  });

  it("says why the pod cannot start in the event's words, and goes on with the rest", async () => {
    const { of, code, checks } = await doctor(
      ...["--image", "registry.invalid/migctl:none", "--start-timeout", "10s"],
    );
    expect(code).toBe(5);
    expect(of("pod")).toMatchObject([
      {
        severity: "error",
        code: "E_POD",
        seen: expect.stringContaining("registry.invalid/migctl:none"),
      },
    ]);
    expect(of("source.volume")).toMatchObject([{ severity: "ok" }]);
    expect(checks.some(({ id }) => id === "destination.rights")).toBe(true);
  });

  it("waits for the receiver's pod no longer than it was told, and says what for", async () => {
    const image = "registry.invalid/receiver:none";
    const start = performance.now();
    const { of, code, stderr } = await doctor(
      ...["--destination-image", image, "--start-timeout", "10s"],
    );
    expect(performance.now() - start).toBeLessThan(90_000);
    expect(code).toBe(5);
    expect(of("pod")).toMatchObject([{ severity: "ok" }]);
    expect(of("destination.receiver")).toMatchObject([
      { severity: "error", code: "E_POD", seen: expect.stringContaining(image) },
    ]);
    expect(of("destination.database")).toMatchObject([{ severity: "ok" }]);
    expect(stderr).toContain(image);
  });

  it("names missing rights with a Role that grants them, and a quota that is too small", async () => {
    const { cluster, source } = bed;
    const role = await cluster.get("role", "migctl", source.namespace);
    const rules = role["rules"] as { resources: string[] }[];
    const rest = rules.filter(({ resources }) => !resources.includes("pods/exec"));
    await cluster.apply({ ...role, rules: rest } as typeof role);
    await cluster.apply({
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name: "small", namespace: source.namespace },
      spec: { hard: { "requests.memory": "100Mi" } },
    } as never);
    try {
      const { of, code } = await doctor("--skip-pod");
      expect(code).toBe(5);
      const [rights] = of("source.rights");
      expect(rights).toMatchObject({ severity: "error", code: "E_PERMISSION" });
      expect(rights?.details).toEqual(["create, get pods/exec"]);
      expect(rights?.fix).toContain("kind: Role");
      expect(rights?.fix).toContain("pods/exec");
      expect(of("source.quota")).toMatchObject([
        { severity: "error", code: "E_QUOTA", seen: expect.stringContaining('"small"') },
      ]);
    } finally {
      await cluster.kubectl("delete", "resourcequota", "small", "-n", source.namespace);
      await cluster.apply({ ...role, metadata: { ...role.metadata, resourceVersion: "" } });
    }
  });

  it("refuses root at a restricted destination, by the API's own words", async () => {
    const { of, code } = await doctor("--skip-pod", "--ownership", "preserve");
    expect(code).toBe(4);
    expect(of("destination.pod")).toMatchObject([{ severity: "error", code: "E_PERMISSION" }]);
  });

  it("tells the one side where the other cannot be reached", async () => {
    const { of, code } = await doctor(
      "--skip-pod",
      "--set",
      "destination.cluster.server=https://127.0.0.1:9",
    );
    expect(code).toBe(5);
    expect(of("destination.api")).toMatchObject([{ severity: "error", code: "E_UNAVAILABLE" }]);
    expect(of("destination.rights")).toEqual([]);
    expect(of("source.rights")).toMatchObject([{ severity: "ok" }]);
  });
});

describe.skipIf(noCluster)("migctl doctor where pods may not be root", () => {
  let restricted: ClusterBed;
  beforeAll(async () => {
    const source = { security: "restricted-v2" } as const;
    restricted = await makeBed(testCluster(), { folder: makeDir(), source });
    const folder = join(restricted.source.data, "ann");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "open.bin"), "x");
    writeFileSync(join(folder, "closed.bin"), "x");
    chmodSync(join(folder, "closed.bin"), 0o600);
  });
  afterAll(() => removed(restricted));

  it("names the files that the pod cannot read", async () => {
    const ran = await restricted.migctl("doctor", "-o", "json");
    const { checks } = JSON.parse(ran.stdout) as { checks: Finding[] };
    const of = (id: string) => checks.filter((one) => one.id === id);
    expect(severities(checks, "error")).toEqual([]);
    expect(of("source.pod")).toMatchObject([
      { severity: "ok", seen: expect.stringContaining("as an ordinary user") },
    ]);
    expect(of("source.files")).toMatchObject([
      {
        severity: "warning",
        seen: expect.stringMatching(/^1 of .* cannot be read/),
        details: ["ann/closed.bin: it cannot be read (EACCES)"],
      },
    ]);
  });
});
