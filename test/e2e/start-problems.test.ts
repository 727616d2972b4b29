import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { KubeObject } from "../../src/kube/resource.ts";
import { importRoot } from "../../tools/cluster/images.ts";
import { noCluster, testCluster, uniqueName } from "../support/cluster.ts";
import { tokenFor } from "../support/cluster-account.ts";
import { type ClusterBed, makeBed } from "../support/cluster-bed.ts";
import {
  applyChanged,
  managerPods,
  restartsOf,
  resultOf,
  spawnMigctl,
  until,
} from "../support/cluster-run.ts";
import { makeDir, tempDir } from "../support/temp-dir.ts";

const small = ["--requests", "cpu=10m,memory=64Mi"];
/** A migration whose token is renewed while all others are refused. */
const waiting = ["--migrationType", "files", "--name", "waiting", ...small];

let bed: ClusterBed;

/** Starts a migration of its own name, which is to be told within a few seconds why it cannot. */
async function start(...args: string[]) {
  const name = uniqueName("start");
  const ran = await bed.migctl(
    ...["start", "--migrationType", "files", "--name", name, "--wait", "--start-timeout", "8s"],
    ...small,
    ...args,
  );
  return { name, ...ran };
}

/** The names of what a migration made, in the source's namespace and in the destination's. */
async function leftOf(name: string): Promise<string[]> {
  const kinds = "deployments,jobs,pods,configmaps,secrets,serviceaccounts";
  const [from, to] = [bed.source.namespace, bed.destination.namespace];
  const all = await Promise.all([from, to].map((where) => bed.cluster.list(kinds, where)));
  const names = all.flat().map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  return names.filter((text) => text.includes(name));
}

/** Makes an object of the source's namespace for the running test alone. */
async function during(object: { apiVersion: string; kind: string; name: string; spec: object }) {
  const { name, kind, ...rest } = object;
  const { namespace } = bed.source;
  const made = { ...rest, kind, metadata: { name, namespace } } as KubeObject;
  await bed.cluster.apply(made);
  onTestFinished(async () => {
    await bed.cluster.kubectl("delete", "-n", namespace, kind, name);
  });
}

async function quota(hard: Record<string, string>) {
  await during({ apiVersion: "v1", kind: "ResourceQuota", name: "few", spec: { hard } });
  await bed.cluster.wait(bed.source.namespace, "quota/few", "jsonpath={.status.hard}");
}

/** Another network config than the bed's. */
function networkWith(change: (config: { source: Side; destination: Side }) => void): string {
  const config = JSON.parse(readFileSync(bed.network, "utf8"));
  change(config);
  const path = join(bed.folder, `${uniqueName("network")}.json`);
  writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
  return path;
}

interface Side {
  cluster: { server: string; token: { file: string } };
  namespace: string;
  claim?: string;
}

describe.skipIf(noCluster)("a migration that cannot start", () => {
  beforeAll(async () => {
    bed = await makeBed(testCluster(), { folder: makeDir() });
  });
  afterAll(() => bed?.remove());

  describe("because of its image", () => {
    it.concurrent("tells the kubelet's words where the image is nowhere", async ({ expect }) => {
      const image = "127.0.0.1:9/nowhere/migctl:1";
      const ran = await start("--image", image);
      expect(ran.code).toBe(5);
      expect(ran.stderr).toMatch(/cannot get its image "127\.0\.0\.1:9\/nowhere\/migctl:1": .+/);
      expect(ran.stderr).toMatch(/failed to pull .*connection refused/i);
      expect(ran.stderr).toContain("--image-file");
    });

    it.concurrent("says that the image is of another architecture", async ({ expect }) => {
      const tag = `localhost/${uniqueName("migctl-other")}:1`;
      await loadForeignImage(tag);
      try {
        const ran = await start("--image", tag);
        expect(ran.code).toBe(5);
        expect(ran.stderr).toMatch(/exec format error/);
        expect(ran.stderr).toContain("architecture");
      } finally {
        await bed.cluster.unloadImage(tag);
        await execa("docker", ["image", "rm", tag]);
      }
    });
  });

  it("waits for another token once its pod runs, and says so", async () => {
    await applyChanged(bed, waiting, spoilToken);
    const log = await until("the manager's word that it waits", async () => {
      const [pod] = await managerPods(bed, "waiting");
      const where = ["-n", bed.source.namespace, pod?.metadata.name ?? ""];
      const text = await bed.cluster.kubectl("logs", ...where).catch(() => "");
      return text.includes("Waiting for another token") && text;
    });
    expect(log).toContain("migctl secret create");
    const renewed = await bed.migctl("secret", "create", ...waiting);
    expect(renewed).toMatchObject({ code: 0 });
  });

  it("tells which claim is missing its volume", async () => {
    const { namespace } = bed.source;
    const spec = {
      ...{ accessModes: ["ReadWriteMany"], storageClassName: "nobody-makes-it" },
      resources: { requests: { storage: "1Mi" } },
    };
    await during({ apiVersion: "v1", kind: "PersistentVolumeClaim", name: "unbound", spec });
    const ran = await start("--set", "source.claim=unbound", "--set", "source.subPath=data");
    expect(ran.code).toBe(5);
    expect(ran.stderr).toMatch(/unbound|persistentvolumeclaim/i);
    expect(ran.stderr).toContain("kubectl describe pvc");
    expect(ran.stderr).not.toContain(`namespace "${namespace}-`);
  });

  it("tells which quota has no room, and asks for less", async () => {
    await quota({ pods: "0" });
    const ran = await start();
    expect(ran.code).toBe(5);
    expect(ran.stderr).toMatch(/exceeded quota: few, requested: pods=1/);
    expect(ran.stderr).toContain("Raise the quota");
  });

  it("says which limits a quota wants, and starts once they are given", async () => {
    await quota({ "limits.cpu": "4" });
    const ran = await start();
    expect(ran.code).toBe(5);
    expect(ran.stderr).toMatch(/must specify limits\.cpu/);
    expect(ran.stderr).toContain("--limits");
    const again = await bed.migctl(
      ...["start", "--migrationType", "files", "--name", ran.name],
      ...[...small, "--limits", "cpu=1,memory=512Mi"],
    );
    expect(again).toMatchObject({ code: 0 });
  });

  it("tells what the destination's Pod Security objects to, and makes nothing", async () => {
    const ran = await start("--ownership", "preserve");
    expect(ran.code).toBe(4);
    expect(ran.stderr).toMatch(/PodSecurity|security context constraint|restricted/);
    expect(ran.stderr).toContain("--ownership inherit");
    expect(await leftOf(ran.name)).toEqual([]);
  });

  it("names the verb and the resource that it may not use, and leaves nothing", async () => {
    const { namespace } = bed.source;
    const role = await bed.cluster.get("role", "migctl", namespace);
    const rules = role["rules"] as { resources: string[]; verbs: string[] }[];
    const others = rules.map((rule) =>
      rule.resources.includes("deployments")
        ? { ...rule, verbs: rule.verbs.filter((verb) => verb !== "patch" && verb !== "create") }
        : rule,
    );
    await bed.cluster.apply({ ...plain(role), rules: others });
    onTestFinished(() => bed.cluster.apply({ ...plain(role), rules }));
    const ran = await start();
    expect(ran.code).toBe(4);
    expect(ran.stderr).toMatch(/Not allowed to (patch|create|apply) deployments/);
    expect(ran.stderr).toContain("kubectl auth can-i");
    expect(await leftOf(ran.name)).toEqual([]);
  });

  it("says that a namespace is not one of its own", async () => {
    const ran = await start("-n", "kube-system");
    expect(ran.code).toBe(4);
    expect(ran.stderr).toMatch(/Not allowed to \w+ \w+ .*kube-system/);
    expect(await leftOf(ran.name)).toEqual([]);
  });

  it.each(["source", "destination"] as const)(
    "refuses an expired token of the %s",
    async (side) => {
      const token = await tokenFor(bed.cluster, { ...account(side) }, -600);
      const file = join(tempDir(), "expired");
      writeFileSync(file, token, { mode: 0o600 });
      const network = networkWith((config) => {
        config[side].cluster.token.file = file;
      });
      const ran = await startWith(network);
      expect(ran.code).toBe(4);
      expect(ran.stderr).toMatch(/log-in|token/i);
      expect(ran.stderr).not.toContain(token);
      expect(await leftOf(ran.name)).toEqual([]);
    },
  );

  it.each(["source", "destination"] as const)(
    "names the API of the %s where nobody listens",
    async (side) => {
      const network = networkWith((config) => {
        config[side].cluster.server = "https://127.0.0.1:9";
      });
      const ran = await startWith(network);
      expect(ran.code).toBe(5);
      expect(ran.stderr).toContain("127.0.0.1:9");
      expect(await leftOf(ran.name)).toEqual([]);
    },
  );

  it("goes on by itself with the token that was renewed meanwhile", async () => {
    const result = await until("the end of what waited", () => resultOf(bed, "waiting"));
    expect(result).toMatchObject({ exitCode: 0 });
    expect(restartsOf(await managerPods(bed, "waiting"))).toEqual([0]);
  });
});

/** What the destination's API never takes. */
function spoilToken({ kind, ...object }: KubeObject) {
  const values = object["data"] as Record<string, string> | undefined;
  if (kind !== "Secret" || values === undefined) return;
  expect(values["destination-token"]).toBeDefined();
  values["destination-token"] = Buffer.from("expired").toString("base64");
}

function account(side: "source" | "destination") {
  return { namespace: bed[side].namespace, name: "migctl" };
}

/** What the server added is left out. */
function plain({ apiVersion, kind, metadata: { name, namespace } }: KubeObject): KubeObject {
  return { apiVersion, kind, metadata: { name, ...(namespace ? { namespace } : {}) } };
}

/** The bed's own network config is named by its `migctl` too: the first one holds. */
async function startWith(network: string) {
  const other: ClusterBed = { ...bed, network };
  const name = uniqueName("start");
  const args = ["start", "--migrationType", "files", "--name", name, "--wait"];
  return { name, ...(await spawnMigctl(other, ...args, "--start-timeout", "8s").ended) };
}

/** An image whose programs are of another architecture: they begin as such an ELF file does. */
async function loadForeignImage(tag: string) {
  const root = makeDir();
  const header = Buffer.alloc(64 * 1024);
  Buffer.from("7f454c46020101", "hex").copy(header);
  header.writeUInt16LE(2, 16);
  // EM_AARCH64.
  header.writeUInt16LE(183, 18);
  header.writeUInt32LE(1, 20);
  header.writeUInt16LE(64, 52);
  for (const name of ["tini", "sh", "migmgr"]) {
    await execa("mkdir", ["-p", join(root, "bin")]);
    writeFileSync(join(root, "bin", name), header, { mode: 0o755 });
  }
  await importRoot(tag, root, ["ENV PATH=/bin", "USER 1001"]);
  await bed.cluster.loadImage(tag);
}
