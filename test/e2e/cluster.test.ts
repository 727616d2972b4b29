import { stat } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/kube/resource.ts";
import { noCluster, type TestCluster, testCluster, uniqueName } from "../support/cluster.ts";
import { accountObjects, asBearer, tokenFor } from "../support/cluster-account.ts";
import { indexesOf } from "../support/peers.ts";
import { readHashes } from "../support/read-documents.ts";
import { readTree } from "../support/read-tree.ts";
import { namespace } from "../support/stand-in.ts";
import { standInImage } from "../support/stand-in-image.ts";
import { deployStandIn, fillStandIn, type RunningStandIn } from "../support/stand-in-release.ts";
import { deployReplicaSet, type RunningReplicaSet } from "../support/stand-in-replica-set.ts";

let cluster: TestCluster;

describe.skipIf(noCluster)("the test bed", () => {
  beforeAll(async () => {
    cluster = testCluster();
    await cluster.loadImage(standInImage);
  });

  it("has a node that is ready, of the version that it was built from", async () => {
    const [node] = await cluster.list("node");
    const { conditions, nodeInfo } = node!["status"] as NodeStatus;
    expect(conditions).toContainEqual(expect.objectContaining({ type: "Ready", status: "True" }));
    expect(nodeInfo.kubeletVersion).toBe("v1.34.4");
  });

  describe("a namespace as restricted as OpenShift's", () => {
    const name = uniqueName("e2e-restricted");
    const make = (spec: object) => cluster.apply(podOf(name, uniqueName("pod"), spec));

    beforeAll(() => cluster.apply(namespace(name, "restricted-v2")));
    afterAll(() => drop(name));

    it("gives a pod that asks for nothing a user, a group and no rights", async () => {
      await cluster.apply(podOf(name, "plain", {}));
      const pod = await cluster.get("pod", "plain", name);
      expect(pod.metadata.annotations).toMatchObject({ "openshift.io/scc": "restricted-v2" });
      expect(pod["spec"]).toMatchObject({
        securityContext: { fsGroup: 1000660000, seccompProfile: { type: "RuntimeDefault" } },
        containers: [
          {
            securityContext: {
              ...{ runAsUser: 1000660000, runAsNonRoot: true, allowPrivilegeEscalation: false },
              capabilities: { drop: ["ALL"] },
            },
          },
        ],
      });
      await cluster.wait(name, "pod/plain", "condition=Ready");
      expect(await cluster.exec(name, "pod/plain", "id", "-u")).toBe("1000660000");
    });

    it("gives the same to a container that runs before the others", async () => {
      const initContainers = [{ name: "first", image: standInImage.tag, command: ["true"] }];
      await cluster.apply(podOf(name, "init", { initContainers }));
      const pod = await cluster.get("pod", "init", name);
      expect(pod["spec"]).toMatchObject({
        initContainers: [
          { securityContext: { runAsUser: 1000660000, capabilities: { drop: ["ALL"] } } },
        ],
      });
    });

    it("keeps what a pod sets within what it may", async () => {
      const securityContext = { runAsUser: 1000660007, fsGroup: 1000660000 };
      await cluster.apply(podOf(name, "own", { securityContext }));
      const pod = await cluster.get("pod", "own", name);
      expect(pod["spec"]).toMatchObject({
        securityContext,
        containers: [{ securityContext: { runAsUser: 1000660007 } }],
      });
    });

    it.each([
      ["a user of its own", { securityContext: { runAsUser: 1000 } }, "in the namespace's range"],
      ["another group", { securityContext: { fsGroup: 0 } }, "not an allowed group"],
      ["a folder of the node", { volumes: [{ name: "v", hostPath: { path: "/" } }] }, "hostPath"],
      ["the node's network", { hostNetwork: true }, "hostNetwork=true"],
    ])("refuses a pod that wants %s", async (_, spec, reason) => {
      await expect(make(spec)).rejects.toThrow(reason);
    });
  });

  describe("pods of Pod Security's baseline", () => {
    const name = uniqueName("e2e-baseline");
    beforeAll(() => cluster.apply(namespace(name, "baseline")));
    afterAll(() => drop(name));

    it("get a volume of the default class, with a directory that is made for them", async () => {
      const metadata = { name: "data", namespace: name };
      const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Mi" } } };
      await cluster.apply({
        ...{ apiVersion: "v1", kind: "PersistentVolumeClaim", metadata, spec },
      });
      await cluster.wait(name, "pvc/data", "jsonpath={.status.phase}=Bound");
    });

    it("may not see the node's directories", async () => {
      const volumes = [{ name: "v", hostPath: { path: "/" } }];
      await expect(cluster.apply(podOf(name, "host", { volumes }))).rejects.toThrow("baseline");
    });
  });

  describe("an account with a role", () => {
    const name = uniqueName("e2e-account");
    const account = { namespace: name, name: "reader" };
    const rules = [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list"] }];
    const as = (token: string, what: string) =>
      cluster.kubectl(...asBearer(token), "get", what, "-n", name);

    beforeAll(() => cluster.apply(namespace(name), ...accountObjects(account, rules)));
    afterAll(() => drop(name));

    it("may do that and no more, as long as its token is good", async () => {
      const token = await tokenFor(cluster, account);
      expect(await as(token, "configmaps")).toContain("kube-root-ca.crt");
      await expect(as(token, "secrets")).rejects.toThrow("Forbidden");
      const expired = await tokenFor(cluster, account, -120);
      await expect(as(expired, "configmaps")).rejects.toThrow("Unauthorized");
    });
  });

  describe("the stand-in releases", () => {
    let source: RunningStandIn;
    let destination: RunningStandIn;

    beforeAll(async () => {
      const names = [uniqueName("e2e-source"), uniqueName("e2e-destination")];
      [source, destination] = await Promise.all([
        deployStandIn(cluster, { namespace: names[0]!, side: "source" }),
        deployStandIn(cluster, { namespace: names[1]!, side: "destination" }),
      ]);
    });
    afterAll(() => Promise.all([source?.remove(), destination?.remove()]));

    it("hold what the fixture's oracle lists, as read past the cluster", async () => {
      const { oracle } = await fillStandIn(source, { server: "A" });
      expect(await readHashes(source.uri, "DLAAS")).toEqual(oracle.everything);
      expect(await readTree(source.data)).toMatchObject(oracle.scopes.server.files);
      expect(await indexesOf(destination.uri, "DLAAS")).toEqual({});
    });

    it("see the volume's data folder where the product has it", async () => {
      const { namespace: in_, release, data } = source;
      const path = "/opt/powerai-vision/data/seen";
      await cluster.exec(in_, `deployment/${release.taskanaly}`, "touch", path);
      expect((await stat(`${data}/seen`)).uid).toBe(0);
    });

    it("write with the namespace's user and group where that is restricted", async () => {
      const { namespace: in_, release, data } = destination;
      const path = "/opt/powerai-vision/data/seen";
      await cluster.exec(in_, `deployment/${release.taskanaly}`, "touch", path);
      expect(await stat(`${data}/seen`)).toMatchObject({ uid: 1000660000, gid: 1000660000 });
    });

    it("find services by name, and tell their version", async () => {
      const { namespace: in_, release } = destination;
      const url = `http://${release.service}:9080/api/version-info`;
      const script = `fetch("${url}").then((r) => r.text()).then(console.log)`;
      const told = await cluster.exec(in_, `deployment/${release.taskanaly}`, "node", "-e", script);
      expect(JSON.parse(told)).toEqual({ version: "8.2.0-pre.dev84" });
    });

    it("find no name that there is not", async () => {
      const { namespace: in_, release } = source;
      const look = ["getent", "hosts", "nowhere.example.com"];
      const found = cluster.exec(in_, `deployment/${release.taskanaly}`, ...look);
      await expect(found).rejects.toThrow("exit code 2");
    });
  });

  describe("the replica set", () => {
    let set: RunningReplicaSet;
    beforeAll(async () => {
      set = await deployReplicaSet(cluster, { namespace: uniqueName("e2e-mongo") });
    });
    afterAll(() => set?.remove());

    it("keeps what was written to a majority when its primary steps down", async () => {
      const before = await set.withPrimary(async (client) => {
        const written = client.db("test").collection("c");
        await written.insertOne({ n: 1 }, { writeConcern: { w: "majority", j: true } });
        return (await client.db("admin").command({ hello: 1 }))["me"];
      });
      await set.stepDown();
      await set.withPrimary(async (client) => {
        expect(await client.db("test").collection("c").countDocuments()).toBe(1);
        expect((await client.db("admin").command({ hello: 1 }))["me"]).not.toBe(before);
      });
    });
  });
});

interface NodeStatus {
  conditions: { type: string; status: string }[];
  nodeInfo: { kubeletVersion: string };
}

function podOf(in_: string, name: string, spec: object): KubeObject {
  const command = ["sleep", "infinity"];
  const image = standInImage.tag;
  const containers = [{ name: "main", image, imagePullPolicy: "IfNotPresent", command }];
  const metadata = { name, namespace: in_ };
  const quick = { terminationGracePeriodSeconds: 0 };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: { containers, ...quick, ...spec } };
}

async function drop(name: string): Promise<void> {
  await cluster.kubectl("delete", "namespace", name, "--wait=false");
}
