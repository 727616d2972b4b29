import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { Application } from "../../src/config/application.ts";
import { loadApplication } from "../../src/config/load-application.ts";
import type { ClusterConfig } from "../../src/config/network.ts";
import { clusterAccessOf } from "../../src/controller/discover/cluster-access.ts";
import {
  connectionUriOf,
  readDatabaseCredentials,
} from "../../src/controller/discover/connection-uri.ts";
import { discover } from "../../src/controller/discover/discover.ts";
import { refuseDowngrade } from "../../src/controller/discover/refuse-downgrade.ts";
import { type RbacInput, rbacObjects } from "../../src/controller/rbac.ts";
import { openCluster } from "../../src/kube/connect.ts";
import { noCluster, type TestCluster, testCluster, uniqueName } from "../support/cluster.ts";
import { clusterCa, tokenFor } from "../support/cluster-account.ts";
import { deployStandIn, type RunningStandIn } from "../support/stand-in-release.ts";
import { tempDir } from "../support/temp-dir.ts";

const password = "canary-p@ss:w/ord $1 &x";
const environment = { HOME: "/nowhere" };

let cluster: TestCluster;
let mvi: Application;
let source: RunningStandIn;
let destination: RunningStandIn;

describe.skipIf(noCluster)("discovery in a real cluster", () => {
  beforeAll(async () => {
    cluster = testCluster();
    mvi = await loadApplication("mvi");
    [source, destination] = await Promise.all([
      deployStandIn(cluster, { namespace: uniqueName("e2e-from"), side: "source", password }),
      deployStandIn(cluster, { namespace: uniqueName("e2e-to"), side: "destination", password }),
    ]);
  });
  afterAll(() => Promise.all([source?.remove(), destination?.remove()]));

  it("finds both sides with all rights, and log-ins that work", async () => {
    const all = { kubeconfig: cluster.kubeconfig };
    const [from, to] = [await ask(source, all), await ask(destination, all)];
    expect(from.found).toMatchObject({
      release: { value: "vision" },
      chart: { value: "ibm-visual-inspection-prod-3.0.0" },
      version: { value: "1.3.0.0" },
      claim: { value: { name: "vision-data-pvc", phase: "Bound" } },
      writers: [
        { name: "vision-portal", replicas: 1 },
        { name: "vision-taskanaly", replicas: 1 },
      ],
      architectures: [process.arch === "x64" ? "amd64" : process.arch],
      warnings: [],
    });
    expect(to.found).toMatchObject({
      release: { value: "masmvi", from: 'Deployment "masmvi-taskanaly"' },
      version: { value: "8.2.0-pre.dev84", from: 'Service "masmvi-ui"' },
      restarts: [{ name: "vision-service", replicas: 1 }],
      warnings: [],
    });
    expect(() => refuseDowngrade(from.found, to.found)).not.toThrow();
    expect(() => refuseDowngrade(to.found, from.found)).toThrow(
      expect.objectContaining({ code: "E_VERSION" }),
    );
    expect(await collectionsBy(from.uri, source)).toBe("DLAAS");
    expect(await collectionsBy(to.uri, destination)).toBe("DLAAS");
  });

  it("finds the same with a token of exactly the documented Role", async () => {
    const [from, to] = await Promise.all([
      ask(source, await limitedAccess(source, { ownSecrets: ["mvi-full-1a2b"] })),
      ask(destination, await limitedAccess(destination, {})),
    ]);
    expect(from.found).toMatchObject({
      release: { value: "vision", from: 'ConfigMap "vision-config"' },
      claim: { value: { name: "vision-data-pvc" } },
      secret: { value: "vision-secrets" },
      writers: [{ name: "vision-portal" }, { name: "vision-taskanaly" }],
      warnings: [],
    });
    expect(to.found).toMatchObject({
      release: { value: "masmvi" },
      claim: { value: { name: "masmvi-data-pvc" } },
      version: { value: "8.2.0-pre.dev84" },
      secret: { value: destination.release.secret },
      restarts: [{ name: "vision-service" }],
      warnings: [],
    });
    expect(from.found.clusterUid).toBeUndefined();
    expect(await collectionsBy(from.uri, source)).toBe("DLAAS");
    expect(await collectionsBy(to.uri, destination)).toBe("DLAAS");
  });

  it("names no password anywhere in what it found", async () => {
    const { found } = await ask(source, { kubeconfig: cluster.kubeconfig });
    expect(JSON.stringify(found)).not.toContain("canary");
  });

  it("uses no pod of a database that crashes", async () => {
    const { namespace, release } = destination;
    const containers = [{ name: release.mongodb, command: ["false"] }];
    const patch = JSON.stringify({ spec: { template: { spec: { containers } } } });
    await cluster.kubectl("patch", "deployment", release.mongodb, "-n", namespace, "-p", patch);
    const waiting = "{.items[*].status.containerStatuses[0].state.waiting.reason}";
    const selector = `run=${release.mongodb}-dp`;
    await expect
      .poll(
        () =>
          cluster.kubectl(
            "get",
            "pod",
            "-n",
            namespace,
            "-l",
            selector,
            "-o",
            `jsonpath=${waiting}`,
          ),
        {
          timeout: 120_000,
          interval: 1000,
        },
      )
      .toBe("CrashLoopBackOff");
    const { found } = await ask(destination, { kubeconfig: cluster.kubeconfig });
    expect(found.database?.pods).toEqual([]);
    expect(found.warnings).toEqual([
      expect.stringMatching(/^No pod behind Service "masmvi-mongodb" is Ready: .* is in CrashLoop/),
    ]);
  });
});

async function ask({ namespace, release }: RunningStandIn, access: ClusterConfig) {
  const tools = { env: {}, folder: tempDir() };
  const api = await openCluster(await clusterAccessOf("source", access, tools), { environment });
  onTestFinished(() => api.close());
  const { side } = release;
  const config = { cluster: access, namespace };
  const found = await discover({
    ...{ side, config, cluster: api, application: mvi, needsDatabase: true, helm: [] },
  });
  const sources = { env: {}, secrets: { cluster: api, namespace } };
  const credentials = await readDatabaseCredentials(found, sources);
  const uri = connectionUriOf({ side, database: found.database! }, credentials, {
    ca: "",
    client: "",
  });
  return { found, uri };
}

/** An access with what `migctl rbac` prints, and with nothing else. */
async function limitedAccess(
  { namespace, release }: RunningStandIn,
  changes: Partial<RbacInput>,
): Promise<ClusterConfig> {
  const account = "migctl";
  const input = { side: release.side, namespace, account, known: mvi.cluster! };
  const none = { ownSecrets: [], writers: [], restarts: [], networkPolicy: false };
  await cluster.apply(...rbacObjects({ ...input, ...none, secrets: [release.secret], ...changes }));
  const folder = tempDir();
  const [file, caFile] = [join(folder, "token"), join(folder, "ca.crt")];
  writeFileSync(file, await tokenFor(cluster, { namespace, name: account }), { mode: 0o600 });
  writeFileSync(caFile, clusterCa());
  const config = JSON.parse(await cluster.kubectl("config", "view", "-o", "json")) as {
    clusters: { cluster: { server: string } }[];
  };
  return { server: config.clusters[0]!.cluster.server, token: { file }, caFile };
}

/** The name of the database that the URI's user may look into, from this machine. */
async function collectionsBy(uri: string, { namespace, release }: RunningStandIn): Promise<string> {
  const { spec } = await cluster.get("service", release.mongodb, namespace);
  const { clusterIP } = spec as { clusterIP: string };
  const host = `${release.mongodb}.${namespace}.svc`;
  const client = new MongoClient(uri.replace(host, clusterIP), {
    serverSelectionTimeoutMS: 20_000,
  });
  try {
    const db = client.db("DLAAS");
    await db.command({ listCollections: 1 });
    return db.databaseName;
  } finally {
    await client.close();
  }
}
