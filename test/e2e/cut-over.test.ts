import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { loadApplication } from "../../src/config/load-application.ts";
import { restartAfter } from "../../src/controller/after/restart-after.ts";
import { type QuiesceOptions, quiesce } from "../../src/controller/cut-over/quiesce.ts";
import { resumeSource } from "../../src/controller/cut-over/resume-source.ts";
import { scale } from "../../src/controller/cut-over/writers.ts";
import { type RbacInput, rbacObjects } from "../../src/controller/rbac.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { Cluster } from "../../src/kube/cluster.ts";
import { openCluster } from "../../src/kube/connect.ts";
import { takeFingerprint } from "../../src/workers/fingerprint.ts";
import { noCluster, type TestCluster, testCluster, uniqueName } from "../support/cluster.ts";
import { clusterCa, tokenFor } from "../support/cluster-account.ts";
import { samplePlan } from "../support/sample-plan.ts";
import { deployStandIn, type RunningStandIn } from "../support/stand-in-release.ts";
import { makeDir } from "../support/temp-dir.ts";

const here = uniqueName("e2e-cut-over");
const signal = new AbortController().signal;

let bed: TestCluster;
let folder: string;
let source: RunningStandIn;
let cluster: Cluster;

describe.skipIf(noCluster)("the cut-over", () => {
  beforeAll(async () => {
    bed = testCluster();
    folder = makeDir();
    source = await deployStandIn(bed, { namespace: here, side: "source" });
    await withDatabase((db) => db.collection("DataSets").insertOne({ owner: "jane" }));
    writeFileSync(join(source.data, "list.txt"), "list");
    cluster = await openAs("source", {
      writers: [source.release.taskanaly, source.release.service],
    });
  });

  afterAll(async () => {
    cluster?.close();
    await source?.remove();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  it("scales the writers to 0, proves silence, and puts them back, with exactly the Role", async () => {
    const { service, taskanaly } = source.release;
    await bed.kubectl("scale", "-n", here, `deployment/${service}`, "--replicas=2");
    await bed.wait(here, `deployment/${service}`, "jsonpath={.status.availableReplicas}=2");
    const { options, said } = await cutOver();

    const { replicas, fingerprint } = await quiesce(options);
    expect(Object.fromEntries(replicas)).toEqual({ [service]: 2, [taskanaly]: 1 });
    expect(fingerprint).toMatchObject({
      database: { evidence: "latencyStats", collections: { DataSets: { documents: 1 } } },
      files: { unreadable: 0 },
    });
    expect(await podsOf(service, taskanaly)).toEqual([]);
    expect(await bed.get("configmap", `${options.name}-quiesce`, here)).toMatchObject({
      data: { [service]: "2", [taskanaly]: "1" },
    });

    const noise = await makeNoise();
    await expect(quiesce(options)).rejects.toMatchObject({
      code: "E_REFUSED",
      message: expect.stringContaining('collection "DataSets" (+'),
      hint: expect.stringContaining('"noise"'),
    });
    await noise.stop();

    await resumeSource({ ...options, readySeconds: 120 });
    expect(await replicasNow(service)).toEqual([2, 2]);
    expect(await replicasNow(taskanaly)).toEqual([1, 1]);
    expect(await bed.list("configmap", here, "app.kubernetes.io/component=quiesce")).toEqual([]);
    expect(await resumeSource(options)).toBeUndefined();
    expect(said.at(-1)).toBe(`Nothing of the source is quiesced for "${options.name}"`);
  });

  it("may not scale what is no writer", async () => {
    const { options } = await cutOver();
    await expect(scale(options, source.release.mongodb, 0)).rejects.toMatchObject({
      code: "E_PERMISSION",
    });
  });

  it("restarts what it may, and tells what it may not", async () => {
    const { service, ui } = source.release;
    const destination = await openAs("destination", { restarts: [service] });
    onTestFinished(() => destination.close());
    const before = await podsOf(service);
    const [wanted] = await replicasNow(service);
    const { done, todo } = await restartAfter({
      ...{ cluster: destination, namespace: here, consent: true, timeoutSeconds: 120 },
      ...{ restarts: [{ name: service }, { name: ui }], clock: systemClock, signal },
    });
    expect(done).toEqual([`restarted Deployment "${service}"`]);
    expect(todo).toEqual([
      expect.stringMatching(new RegExp(`"${ui}".*tried: Not allowed to patch`)),
    ]);
    expect(await replicasNow(service)).toEqual([wanted, wanted]);
    // A rollout is complete while its old pods are still being ended.
    const old = async () => (await podsOf(service)).filter((name) => before.includes(name));
    await expect.poll(old, { timeout: 60_000 }).toEqual([]);
    const { spec } = await bed.get("deployment", service, here);
    expect(JSON.stringify(spec)).toContain("kubectl.kubernetes.io/restartedAt");
  });
});

/** As who has exactly the rights that are asked for a side. */
async function openAs(side: RbacInput["side"], names: Partial<RbacInput>): Promise<Cluster> {
  const account = `migctl-${side}`;
  const { cluster: known } = await loadApplication("mvi");
  if (known === undefined) throw new Error("The description has no cluster");
  const input = { side, namespace: here, account, known, networkPolicy: false };
  const none = { secrets: [], ownSecrets: [], writers: [], restarts: [] };
  await bed.apply(...rbacObjects({ ...input, ...none, ...names }));
  const [caFile, tokenFile] = [join(folder, "ca.crt"), join(folder, side)] as const;
  writeFileSync(caFile, clusterCa());
  writeFileSync(tokenFile, await tokenFor(bed, { namespace: here, name: account }));
  const seen = JSON.parse(await bed.kubectl("config", "view", "-o", "json"));
  const { server } = seen.clusters[0].cluster;
  return openCluster({ server, caFile, tokenFile }, { environment: {} });
}

/** As the controller calls it; the source is looked at from here, in place of from a pod. */
async function cutOver(): Promise<{ options: QuiesceOptions; said: string[] }> {
  const { release, data, uri } = source;
  const uriFile = join(folder, "uri");
  writeFileSync(uriFile, uri, { mode: 0o600 });
  const { database } = release;
  const plan = samplePlan({
    application: await loadApplication("mvi"),
    source: { kind: "local", dir: data, database: { uriFile, database }, identity: "a" },
    workDir: join(data, "logs/migrations"),
    name: "cut-over",
  });
  const said: string[] = [];
  const options: QuiesceOptions = {
    ...{ cluster, namespace: here, name: plan.name, clock: systemClock, signal },
    writers: [release.service, release.taskanaly].map((name) => ({ name })),
    ask: () => takeFingerprint(plan, { signal }),
    ...{ silenceSeconds: 1, timeoutSeconds: 120 },
    say: (text) => void said.push(text),
  };
  return { options, said };
}

async function withDatabase<T>(work: (db: ReturnType<MongoClient["db"]>) => Promise<T>) {
  const client = new MongoClient(source.uri);
  try {
    return await work(client.db(source.release.database));
  } finally {
    await client.close();
  }
}

/** Writes all the time, under a name of its own. */
async function makeNoise() {
  const client = await new MongoClient(source.uri, { appName: "noise" }).connect();
  const dataSets = client.db(source.release.database).collection("DataSets");
  let isOver = false;
  const writing = (async () => {
    while (!isOver) await dataSets.updateOne({ owner: "jane" }, { $set: { n: 1 } });
  })();
  return {
    async stop() {
      isOver = true;
      await writing;
      await client.close();
    },
  };
}

async function podsOf(...deployments: string[]): Promise<string[]> {
  const selector = `run in (${deployments.map((name) => `${name}-dp`).join(",")})`;
  return (await bed.list("pod", here, selector)).map(({ metadata }) => metadata.name);
}

/** Wanted and available. */
async function replicasNow(name: string): Promise<[number, number]> {
  const { spec, status } = (await bed.get("deployment", name, here)) as unknown as {
    spec: { replicas: number };
    status: { availableReplicas?: number };
  };
  return [spec.replicas, status.availableReplicas ?? 0];
}
