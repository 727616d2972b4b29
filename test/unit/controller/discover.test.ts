import { beforeAll, describe, expect, it } from "vitest";
import type { Application } from "../../../src/config/application.ts";
import { loadApplication } from "../../../src/config/load-application.ts";
import type { ClusterSideConfig } from "../../../src/config/network.ts";
import { type DiscoverRequest, discover } from "../../../src/controller/discover/discover.ts";
import { asMigrationError } from "../../../src/core/errors.ts";
import type { KubeObject } from "../../../src/kube/resource.ts";
import { type FakeCluster, fakeCluster } from "../../support/fake-cluster.ts";
import { podOf, settled } from "../../support/settled.ts";
import { type StandInOptions, standIn, unrelatedObjects } from "../../support/stand-in.ts";

let mvi: Application;
beforeAll(async () => {
  mvi = await loadApplication("mvi");
});

const source = { namespace: "default", side: "source", password: "p" } satisfies StandInOptions;
const destination = {
  ...{ namespace: "mas-fed-visualinspection", side: "destination", password: "p" },
} satisfies StandInOptions;

interface Asked extends Omit<Partial<DiscoverRequest>, "cluster"> {
  objects: KubeObject[];
  config?: ClusterSideConfig;
  may?: FakeCluster["may"];
  forward?: FakeCluster["forward"];
}

function ask({ objects, may, forward, ...request }: Asked) {
  const side = request.side ?? "source";
  const { namespace } = side === "source" ? source : destination;
  const cluster = fakeCluster({
    ...{ namespace, objects: [namespaceOf(namespace), ...objects] },
    ...(may === undefined ? {} : { may }),
    ...(forward === undefined ? {} : { forward }),
  });
  return discover({
    ...{ side, config: { cluster: {} }, cluster, application: mvi, needsDatabase: true, helm: [] },
    ...request,
  });
}

async function refusalOf(asked: Asked) {
  const error = asMigrationError(
    await ask(asked).then(
      () => new Error("It was found"),
      (thrown) => thrown,
    ),
  );
  return { code: error.code, message: error.message, hint: error.hint, ...error.fields };
}

function namespaceOf(name: string): KubeObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, uid: "uid-of-namespace" } };
}

/** As if the release had another name than its objects begin with. */
function released(objects: KubeObject[], release: string): KubeObject[] {
  const text = JSON.stringify(objects).replaceAll(/"release":"[^"]*"/g, `"release":"${release}"`);
  return JSON.parse(text) as KubeObject[];
}

function only(objects: KubeObject[], ...kinds: string[]): KubeObject[] {
  return objects.filter(({ kind }) => kinds.includes(kind));
}

function except(objects: KubeObject[], ...names: string[]): KubeObject[] {
  return objects.filter(({ metadata }) => !names.some((name) => metadata.name.startsWith(name)));
}

function called(objects: KubeObject[], kind: string, name: string): KubeObject {
  return objects.find((one) => one.kind === kind && one.metadata.name === name)!;
}

const masmviSecret = "masmvi-credentials-internal-visualinspection";

describe("discovery", () => {
  it("V1: finds all of a standalone release, each with what told it", async () => {
    const found = await ask({ objects: settled(standIn(source)) });
    const from = 'ConfigMap "vision-config"';
    const described = 'application description "mvi"';
    expect(found).toEqual({
      side: "source",
      server: "https://fake.example:6443",
      clusterUid: "11111111-1111-1111-1111-111111111111",
      namespace: { value: "default", from: "the cluster's access" },
      namespaceUid: "uid-of-namespace",
      release: { value: "vision", from },
      chart: {
        value: "ibm-visual-inspection-prod-3.0.0",
        from: 'Secret "sh.helm.release.v1.vision.v1"',
      },
      version: { value: "1.3.0.0", from: 'Secret "sh.helm.release.v1.vision.v1"' },
      claim: {
        value: {
          ...{ name: "vision-data-pvc", uid: "uid-persistentvolumeclaim-vision-data-pvc" },
          ...{ phase: "Bound", accessModes: ["ReadWriteMany"], capacity: "1Gi" },
          storageClass: "local",
        },
        from,
      },
      subPath: { value: "data", from },
      mount: { value: "/opt/powerai-vision/data", from },
      database: {
        name: { value: "DLAAS", from },
        hosts: { value: ["vision-mongodb.default.svc:27017"], from },
        service: { name: "vision-mongodb", port: 27017 },
        pods: [
          {
            ...{ name: "vision-mongodb-7c9-abcde", node: "node1" },
            ...{ container: "vision-mongodb", port: 27017 },
          },
        ],
        isExternal: false,
        login: {
          username: { value: "admin", from: 'Secret "vision-secrets"' },
          password: {
            value: { secret: { name: "vision-secrets", key: "mongodb-admin-password" } },
            from: 'Secret "vision-secrets"',
          },
          authSource: { value: "DLAAS", from: described },
        },
      },
      secret: { value: "vision-secrets", from: 'Secret "vision-secrets"' },
      pods: [{ name: "vision-taskanaly-7c9-abcde", node: "node1", container: "vision-taskanaly" }],
      writers: [
        { name: "vision-portal", replicas: 1 },
        { name: "vision-taskanaly", replicas: 1 },
      ],
      restarts: [],
      architectures: undefined,
      warnings: [],
    });
  });

  it("tells the architectures of the nodes that have the volume's pods", async () => {
    const nodes = ["node1", "node2"].map((name, at) => ({
      ...{ apiVersion: "v1", kind: "Node", metadata: { name } },
      status: { nodeInfo: { architecture: ["ppc64le", "amd64"][at] } },
    }));
    const objects = settled(standIn(source));
    expect((await ask({ objects: [...objects, ...nodes] })).architectures).toEqual(["ppc64le"]);
    const more = podOf(called(objects, "Deployment", "vision-portal"), { node: "node2" }, "more");
    const both = await ask({ objects: [...objects, ...nodes, more] });
    expect(both.architectures).toEqual(["amd64", "ppc64le"]);
  });

  it("V1: finds all of a destination, whose objects bear no labels of Helm", async () => {
    const found = await ask({ side: "destination", objects: settled(standIn(destination)) });
    expect(found).toMatchObject({
      release: { value: "masmvi", from: 'Deployment "masmvi-taskanaly"' },
      claim: { value: { name: "masmvi-data-pvc" }, from: 'Deployment "masmvi-taskanaly"' },
      subPath: { value: "data", from: 'Deployment "masmvi-taskanaly"' },
      database: {
        name: { value: "DLAAS" },
        service: { name: "masmvi-mongodb", port: 27017 },
        login: { password: { value: { secret: { name: masmviSecret } } } },
      },
      secret: { value: masmviSecret },
      pods: [{ name: "masmvi-taskanaly-7c9-abcde" }],
      writers: [],
      restarts: [{ name: "vision-service", replicas: 1 }],
      warnings: [],
    });
  });

  it("V2: finds a release of 1.1 by its labels, as its names begin otherwise", async () => {
    const name = "powerai-vision-blue";
    const chart = "ibm-powerai-vision-prod-1.2.0";
    const objects = released(settled(standIn({ ...source, name, chart })), "blue");
    expect(await ask({ objects })).toMatchObject({
      release: { value: "blue", from: `ConfigMap "${name}-config"` },
      chart: { value: chart, from: `ConfigMap "${name}-config"` },
      claim: { value: { name: `${name}-data-pvc` } },
      secret: { value: `${name}-secrets` },
      database: { service: { name: `${name}-mongodb` } },
      writers: [{ name: `${name}-portal` }, { name: `${name}-taskanaly` }],
    });
  });

  it.each([
    ["ConfigMap", [], 'ConfigMap "vision-config"'],
    ["what mounts it", ["vision-config"], 'Deployment "vision-taskanaly"'],
  ])("V3: finds a claim of any name by the %s", async (_, without, from) => {
    const options = { ...source, claim: { name: "shared-storage" } };
    const objects = except(settled(standIn(options)), ...without);
    const { claim } = await ask({ objects });
    expect(claim).toMatchObject({ value: { name: "shared-storage" }, from });
  });

  it("V4: lists two releases and the flag that chooses, and takes the chosen one", async () => {
    const objects = [...standIn(source), ...standIn({ ...source, name: "other" })];
    expect(await refusalOf({ objects: settled(objects) })).toEqual({
      code: "E_DISCOVERY",
      message: `There are 2 releases in the source's namespace "default"`,
      hint: "Choose one with --set source.release=NAME",
      problems: ['vision: ConfigMap "vision-config"', 'other: ConfigMap "other-config"'],
    });
    const config = { cluster: {}, release: "other" };
    expect(await ask({ objects: settled(objects), config })).toMatchObject({
      claim: { value: { name: "other-data-pvc" } },
      secret: { value: "other-secrets" },
      database: { service: { name: "other-mongodb" } },
      pods: [{ name: "other-taskanaly-7c9-abcde" }],
      writers: [{ name: "other-portal" }, { name: "other-taskanaly" }],
    });
  });

  it("V4: tells two unlabelled releases apart by what their names begin with", async () => {
    const side = "destination";
    const all = [...standIn(destination), ...standIn({ ...destination, name: "second" })];
    const objects = except(settled(all), "vision-service");
    expect(await refusalOf({ side, objects })).toMatchObject({
      code: "E_DISCOVERY",
      problems: ['masmvi: Deployment "masmvi-taskanaly"', 'second: Deployment "second-taskanaly"'],
    });
    const config = { cluster: {}, release: "second" };
    expect(await ask({ side, objects, config })).toMatchObject({
      claim: { value: { name: "second-data-pvc" } },
      database: { service: { name: "second-mongodb" } },
      secret: { value: "second-credentials-internal-visualinspection" },
    });
  });

  it("V5: takes no notice of other claims and of Services with a similar name", async () => {
    const objects = except(
      settled([...unrelatedObjects("default"), ...standIn(source)]),
      "vision-config",
    );
    expect(await ask({ objects })).toMatchObject({
      claim: { value: { name: "vision-data-pvc" } },
      database: { service: { name: "vision-mongodb" } },
    });
  });

  it("V7: lists two Secrets with a log-in, and takes the chosen one", async () => {
    const options = { ...destination, moreSecrets: ["vision-secrets"] };
    const asked = { side: "destination" as const, objects: settled(standIn(options)) };
    expect(await refusalOf(asked)).toMatchObject({
      code: "E_DISCOVERY",
      hint: "Choose one with --set destination.secret=NAME",
      problems: [
        'vision-secrets: Secret "vision-secrets"',
        `${masmviSecret}: Secret "${masmviSecret}"`,
      ],
    });
    const config = { cluster: {}, secret: masmviSecret };
    expect(await ask({ ...asked, config })).toMatchObject({
      secret: { value: masmviSecret, from: "the network config" },
      database: { login: { password: { value: { secret: { name: masmviSecret } } } } },
    });
  });

  it("V7: takes the one of two Secrets that the pods refer to", async () => {
    const options = { ...destination, moreSecrets: ["vision-secrets"] };
    const objects = standIn(options);
    const secretKeyRef = { name: masmviSecret, key: "mongodb-admin-password" };
    const { template } = called(objects, "Deployment", "masmvi-mongodb")["spec"] as {
      template: { spec: { containers: Record<string, unknown>[] } };
    };
    template.spec.containers[0]!["env"] = [{ name: "PASSWORD", valueFrom: { secretKeyRef } }];
    expect((await ask({ side: "destination", objects: settled(objects) })).secret).toEqual({
      value: masmviSecret,
      from: 'Deployment "masmvi-mongodb"',
    });
  });

  it("V8: uses no pod that is Terminating or not Ready, and says why there is none", async () => {
    const objects = settled(standIn(source));
    const deployment = called(objects, "Deployment", "vision-taskanaly");
    const unfit = [
      podOf(deployment, { isTerminating: true }, "going"),
      podOf(deployment, { isReady: false }, "early"),
    ];
    const without = except(objects, "vision-taskanaly-7c9");
    const found = await ask({ objects: [...unfit, ...without] });
    expect(found.pods).toEqual([]);
    expect(found.warnings).toEqual([
      'No pod that mounts the data can be worked with: Pod "vision-taskanaly-7c9-going" is Terminating, Pod "vision-taskanaly-7c9-early" is not Ready',
    ]);
    const again = await ask({ objects: [...unfit, ...objects] });
    expect(again.pods.map(({ name }) => name)).toEqual(["vision-taskanaly-7c9-abcde"]);
    expect(again.warnings).toEqual([]);
  });

  it("V9: says that the database's pod crashes, and goes on", async () => {
    const objects = settled(standIn(source));
    const deployment = called(objects, "Deployment", "vision-mongodb");
    const crashing = podOf(deployment, { waiting: "CrashLoopBackOff" });
    const found = await ask({ objects: [crashing, ...except(objects, "vision-mongodb-7c9")] });
    expect(found.database).toMatchObject({ service: { name: "vision-mongodb" }, pods: [] });
    expect(found.warnings).toEqual([
      'No pod behind Service "vision-mongodb" is Ready: Pod "vision-mongodb-7c9-abcde" is in CrashLoopBackOff',
    ]);
  });

  it("V10: finds the log-in of a database outside, whose servers people must name", async () => {
    const external = { username: "mongo-user", password: "p" };
    const options = { ...destination, name: "fed", external };
    const objects = settled(standIn(options));
    const side = "destination";
    expect(await refusalOf({ side, objects })).toMatchObject({
      code: "E_DISCOVERY",
      message:
        'Nothing in the destination\'s namespace "mas-fed-visualinspection" tells where the database of release "fed" is',
      hint: expect.stringContaining("--set destination.database.hosts={host:port,host:port}"),
    });
    expect((await ask({ side, objects, needsDatabase: false })).database).toBeUndefined();
    const hosts = ["mongo-0.mongo.svc:27017", "mongo-1.mongo.svc:27017"];
    const config = {
      cluster: {},
      database: { hosts, replicaSet: "rs0", tls: { ca: { file: "/ca.pem" } } },
    };
    const name = "fed-mongocfg-system-binding-3faa6f5e";
    expect((await ask({ side, objects, config })).database).toEqual({
      name: { value: "mas-fed-visualinspection", from: 'application description "mvi"' },
      hosts: { value: hosts, from: "the network config" },
      pods: [],
      isExternal: true,
      login: {
        username: { value: "mongo-user", from: `Secret "${name}"` },
        password: { value: { secret: { name, key: "password" } }, from: `Secret "${name}"` },
        authSource: { value: "admin", from: 'application description "mvi"' },
      },
      replicaSet: "rs0",
      tls: { ca: { file: "/ca.pem" }, allowInvalidCertificates: false },
    });
  });

  it("V11: goes on without Secrets, and says which credential must be given", async () => {
    const objects = settled(standIn(source));
    const may: FakeCluster["may"] = (_, plural) => plural !== "secrets";
    const found = await ask({ objects, may });
    expect(found.database?.login).toMatchObject({
      username: { value: "admin", from: 'ConfigMap "vision-config"' },
    });
    expect(found.database?.login.password).toBeUndefined();
    expect(found.warnings).toEqual([
      "No Secret with the database's log-in can be seen: give the password with --set source.database.password.file=PATH",
    ]);
    const config = { cluster: {}, database: { password: { env: "MONGO_PASSWORD" } } };
    const given = await ask({ objects, may, config });
    expect(given.database?.login.password?.value).toEqual({ env: "MONGO_PASSWORD" });
    expect(given.warnings).toEqual([]);
  });

  it("V12: tells the node that a volume of one node is on", async () => {
    const options = { ...destination, claim: { accessMode: "ReadWriteOnce" } };
    const objects = settled(standIn(options)).map((object) =>
      object.kind === "Pod"
        ? { ...object, spec: { ...(object["spec"] as object), nodeName: "node2" } }
        : object,
    );
    const { claim } = await ask({ side: "destination", objects });
    expect(claim.value).toMatchObject({ accessModes: ["ReadWriteOnce"], node: "node2" });
  });

  it("V13: refuses a release whose files are in object storage", async () => {
    const objects = settled(standIn({ ...source, objectStorage: true }));
    expect(await refusalOf({ objects })).toMatchObject({
      code: "E_REFUSED",
      message:
        'The source\'s release "vision" keeps files in object storage, as ConfigMap "vision-config" says',
    });
  });

  it("V13: refuses it as a custom resource says it, at any depth", async () => {
    const workspace: KubeObject = {
      apiVersion: "apps.mas.ibm.com/v1",
      kind: "VisualInspectionAppWorkspace",
      metadata: { name: "fed-main", namespace: destination.namespace },
      spec: { settings: { storage: { objectStorageEnabled: true } } },
    };
    const objects = [...settled(standIn(destination)), workspace];
    expect(await refusalOf({ side: "destination", objects })).toMatchObject({
      code: "E_REFUSED",
      message: expect.stringContaining('as VisualInspectionAppWorkspace "fed-main" says'),
    });
  });

  it("V13: says that it may not ask for object storage, and does not ask where it is told", async () => {
    const may: FakeCluster["may"] = (_, plural) => !plural.startsWith("visualinspection");
    const objects = settled(standIn(destination));
    expect((await ask({ side: "destination", objects, may })).warnings).toEqual([
      "Whether files are in object storage cannot be told: visualinspectionapps may not be listed",
      "Whether files are in object storage cannot be told: visualinspectionappworkspaces may not be listed",
    ]);
    expect((await ask({ objects: settled(standIn(source)), may })).warnings).toEqual([]);
  });

  it("gives a host without a port the database's usual one", async () => {
    const database = { hosts: ["a.example", "b.example:1", "[::1]", "[::1]:2"], username: "u" };
    const found = await ask({
      objects: settled(standIn(source)),
      config: { cluster: {}, database: { ...database, password: { env: "P" } } },
    });
    expect(found.database?.hosts.value).toEqual([
      ...["a.example:27017", "b.example:1", "[::1]:27017", "[::1]:2"],
    ]);
    expect(found.warnings).toEqual([]);
  });

  it("does not guess the user of a database outside", async () => {
    const objects = settled(
      standIn({ ...destination, external: { username: "u", password: "p" } }),
    );
    const config = { cluster: {}, database: { hosts: ["a"], password: { env: "P" } } };
    const found = await ask({ side: "destination", objects, config });
    expect(found.database?.login.username).toBeUndefined();
    expect(found.warnings).toEqual([
      "Nothing tells the database's user: give --set destination.database.username=NAME",
    ]);
  });

  it("V14: finds a release whose name is longer than its objects' names can be", async () => {
    const release = "a-release-whose-name-is-longer-than-forty-letters-is";
    const name = `powerai-vision-${release}`.slice(0, 40);
    const chart = "ibm-powerai-vision-prod-1.2.0";
    const objects = released(settled(standIn({ ...source, name, chart })), release);
    const expected = {
      release: { value: release },
      claim: { value: { name: `${name}-data-pvc` } },
      database: { service: { name: `${name}-mongodb` } },
      secret: { value: `${name}-secrets` },
      writers: [{ name: `${name}-portal` }, { name: `${name}-taskanaly` }],
    };
    expect(await ask({ objects })).toMatchObject(expected);
    expect(await ask({ objects: except(objects, `${name}-config`) })).toMatchObject(expected);
  });

  it("finds a destination with no more rights than to see pods, claims and Services", async () => {
    const seen = ["pods", "persistentvolumeclaims", "services"];
    seen.push("visualinspectionapps", "visualinspectionappworkspaces");
    const found = await ask({
      side: "destination",
      objects: settled(standIn(destination)),
      may: (verb, plural, name) =>
        seen.includes(plural) || (verb === "get" && plural === "secrets" && name === masmviSecret),
    });
    expect(found).toMatchObject({
      release: { value: "masmvi", from: 'Pod "masmvi-taskanaly-7c9-abcde"' },
      claim: { value: { name: "masmvi-data-pvc" } },
      database: { service: { name: "masmvi-mongodb" } },
      secret: { value: masmviSecret },
      pods: [{ name: "masmvi-taskanaly-7c9-abcde" }],
      restarts: [{ name: "vision-service" }],
      warnings: [],
    });
    expect(found.clusterUid).toBeUndefined();
  });

  it("takes no notice of what it made itself", async () => {
    const objects = settled(standIn(source));
    const deployment = called(objects, "Deployment", "vision-taskanaly");
    const ours = podOf(deployment, {}, "ours");
    ours.metadata.labels = { ...ours.metadata.labels, "app.kubernetes.io/managed-by": "migctl" };
    const { pods } = await ask({ objects: [ours, ...objects] });
    expect(pods.map(({ name }) => name)).toEqual(["vision-taskanaly-7c9-abcde"]);
  });

  it("warns where the pods run with another claim than the configured one", async () => {
    const objects = [
      ...only(standIn(source), "ConfigMap", "PersistentVolumeClaim"),
      ...except(standIn({ ...source, claim: { name: "new" } }), "vision-config"),
    ];
    const found = await ask({ objects: settled(objects) });
    expect(found.claim.value.name).toBe("vision-data-pvc");
    expect(found.warnings).toEqual([
      'Deployment "vision-taskanaly" mounts claim "new", but "vision-data-pvc" is configured and is taken',
    ]);
  });

  it.each<[string, ClusterSideConfig, string, string]>([
    ["a claim", { cluster: {}, claim: "nope" }, 'no PersistentVolumeClaim "nope"', "source.claim"],
    [
      "a Service",
      { cluster: {}, database: { service: "nope" } },
      'no Service "nope"',
      "source.database.service",
    ],
    ["a Secret", { cluster: {}, secret: "nope" }, 'no Secret "nope"', "source.secret"],
    [
      "a Deployment",
      { cluster: {}, deployments: ["nope"] },
      'no Deployment "nope"',
      "source.deployments",
    ],
    ["a namespace", { cluster: {}, namespace: "nope" }, '"nope" is not there', "--namespace"],
  ])("says that %s of the network config is not there", async (_, config, message, flag) => {
    expect(await refusalOf({ objects: settled(standIn(source)), config })).toMatchObject({
      code: "E_DISCOVERY",
      message: expect.stringContaining(message),
      hint: expect.stringContaining(flag),
    });
  });

  it("says what may not be listed where nothing tells a release", async () => {
    const may: FakeCluster["may"] = (_, plural) => plural !== "configmaps";
    expect(await refusalOf({ objects: [], may })).toMatchObject({
      code: "E_DISCOVERY",
      message:
        'Nothing in the source\'s namespace "default" tells a release of "mvi", and these may not be listed: configmaps',
      hint: "Check the namespace, or give --set source.release=NAME",
    });
  });

  it("needs to be told how an application is found in a cluster", async () => {
    const { cluster: _, ...application } = mvi;
    expect(await refusalOf({ objects: [], application })).toMatchObject({ code: "E_APPLICATION" });
  });

  it("finds another application that is described", async () => {
    const application: Application = {
      ...{ application: "shop", database: "SHOP", mount: "/srv", collections: {} },
      ...{ never: { collections: [], paths: [] }, writers: ["web"], after: [] },
      cluster: {
        ...{ charts: [], "sub-path": "", claims: [], secrets: [], "object-storage": [], helm: [] },
        deployments: { web: ["{name}-web"] },
        mounts: ["web"],
        database: { services: ["{name}-db"], port: 27018, "auth-source": "admin" },
      },
    };
    const own = JSON.parse(
      JSON.stringify(except(standIn(source), "vision-config", "vision-ui", "vision-portal"))
        .replaceAll("vision-taskanaly", "shop-web")
        .replaceAll("vision-mongodb", "shop-db")
        .replaceAll("/opt/powerai-vision/data", "/srv")
        .replaceAll('"release":"vision"', '"release":"shop"'),
    ) as KubeObject[];
    const found = await ask({ objects: settled(own), application });
    expect(found).toMatchObject({
      release: { value: "shop" },
      claim: { value: { name: "vision-data-pvc" }, from: 'Deployment "shop-web"' },
      mount: { value: "/srv" },
      database: { name: { value: "SHOP" }, service: { name: "shop-db", port: 27017 } },
      writers: [{ name: "shop-web", replicas: 1 }],
    });
  });
});
