import { gzipSync } from "node:zlib";
import type { KubeObject } from "../../src/kube/resource.ts";
import { rangeAnnotations, sccLabel } from "../../tools/cluster/policies.ts";
import { appUser } from "./mongod-setup.ts";
import { mongodProgram, type StandInVersion, standInImage } from "./stand-in-image.ts";
import { type Labels, pod, sleeper, type Template, versionServer } from "./stand-in-pods.ts";

export interface StandInOptions {
  namespace: string;
  side: "source" | "destination";
  /** What the objects' names begin with; "vision" or "masmvi" unless said otherwise. */
  name?: string;
  /** Name and version of the chart; standalone releases have one. */
  chart?: string;
  mongod?: StandInVersion;
  user?: string;
  password?: string;
  database?: string;
  /** What `/api/version-info` answers. */
  version?: string;
  claim?: { name?: string; accessMode?: string; storageClass?: string; size?: string };
  /** Names of Secrets that hold the log-in, beside the usual one. */
  moreSecrets?: string[];
  objectStorage?: boolean;
  /** Other than mongod: what crashes, for instance. */
  mongodCommand?: string[];
  /** From 8.8 on there is no mongod in the namespace but a Secret that leads to one outside. */
  external?: { username: string; password: string };
  image?: string;
}

/** The options with everything that was not said, and the names that follow from them. */
export type StandIn = ReturnType<typeof describeStandIn>;

export function describeStandIn(options: StandInOptions) {
  const isSource = options.side === "source";
  const name = options.name ?? (isSource ? "vision" : "masmvi");
  return {
    ...options,
    name,
    chart: options.chart ?? (isSource ? "ibm-visual-inspection-prod-3.0.0" : undefined),
    mongod: options.mongod ?? (isSource ? "4.2" : "6.0"),
    user: options.user ?? appUser.name,
    password: options.password ?? appUser.password,
    database: options.database ?? appUser.database,
    version: options.version ?? (isSource ? "1.3.0.0" : "8.2.0-pre.dev84"),
    image: options.image ?? standInImage.tag,
    claim: {
      name: `${name}-data-pvc`,
      ...{ accessMode: "ReadWriteMany", storageClass: "local", size: "1Gi" },
      ...options.claim,
    },
    secret: isSource ? `${name}-secrets` : `${name}-credentials-internal-visualinspection`,
    taskanaly: `${name}-taskanaly`,
    service: isSource ? `${name}-portal` : "vision-service",
    ui: `${name}-ui`,
    mongodb: `${name}-mongodb`,
  };
}

/** The objects of a release of the product, as mvi.md has found them. */
export function standIn(options: StandInOptions): KubeObject[] {
  const release = describeStandIn(options);
  return [
    claim(release),
    ...secrets(release),
    ...(release.side === "source" ? [configMap(release)] : []),
    ...(release.external ? [] : database(release)),
    ...sleeping(release, release.taskanaly, 5000),
    ...serving(release, release.service),
    ...serving(release, release.ui),
    ...(release.chart ? [helmSecret(release)] : []),
  ];
}

export type Security = "privileged" | "baseline" | "restricted" | "restricted-v2";

/** A namespace; "restricted-v2" has the admission of OpenShift beside Pod Security's. */
export function namespace(name: string, security: Security = "privileged"): KubeObject {
  const isOpenShift = security === "restricted-v2";
  const range = "1000660000/10000";
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name,
      labels: {
        "pod-security.kubernetes.io/enforce": isOpenShift ? "restricted" : security,
        ...(isOpenShift ? { [sccLabel.name]: sccLabel.value } : {}),
      },
      annotations: isOpenShift
        ? { [rangeAnnotations.users]: range, [rangeAnnotations.groups]: range }
        : {},
    },
  };
}

/** What is in a namespace beside the release, and sorts before it. */
export function unrelatedObjects(in_: string): KubeObject[] {
  const at = (name: string) => ({ name, namespace: in_ });
  const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Mi" } } };
  return [
    { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: at("aaa-cache"), spec },
    {
      ...{ apiVersion: "v1", kind: "Service", metadata: at("foo-mongodb-exporter") },
      spec: { selector: { app: "exporter" }, ports: [{ port: 9216 }] },
    },
  ];
}

/** What `helm list` of the product's hosts prints, in the form of Helm 3 or of Helm 2. */
export function helmList(options: StandInOptions, version: 2 | 3 = 3): string {
  const { name, chart = "", namespace: in_, version: appVersion } = describeStandIn(options);
  const release = { name, namespace: in_, revision: "1", status: "deployed", chart };
  if (version === 3) return JSON.stringify([{ ...release, app_version: appVersion }]);
  return JSON.stringify({ Next: "", Releases: [{ Name: name, Chart: chart }] });
}

function labelsOf({ name, chart, side }: StandIn): Labels {
  if (!chart) return { app: name };
  const heritage = chart.startsWith("ibm-powerai") ? "Tiller" : "Helm";
  return side === "source" ? { app: "vision", chart, release: name, heritage } : {};
}

function metadata(release: StandIn, name: string, run?: string) {
  const labels = { ...labelsOf(release), ...(run ? { run: `${name}-${run}` } : {}) };
  return { name, namespace: release.namespace, labels };
}

function claim(release: StandIn): KubeObject {
  const { name, accessMode, storageClass, size } = release.claim;
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: metadata(release, name),
    spec: {
      accessModes: [accessMode],
      storageClassName: storageClass,
      resources: { requests: { storage: size } },
    },
  };
}

function secrets(release: StandIn): KubeObject[] {
  const { secret, moreSecrets = [], user, password, external, name } = release;
  const logIn = { "mongodb-admin-username": user, "mongodb-admin-password": password };
  const of = (called: string, stringData: Record<string, string>) => ({
    ...{ apiVersion: "v1", kind: "Secret", metadata: metadata(release, called) },
    ...{ type: "Opaque", stringData },
  });
  if (external) return [of(`${name}-mongocfg-system-binding-3faa6f5e`, external)];
  return [secret, ...moreSecrets].map((each) => of(each, logIn));
}

function configMap(release: StandIn): KubeObject {
  const { name, mongodb, database: DBNAME, user: USER, objectStorage = false } = release;
  const settings = {
    MONGODB: [{ SERVER: mongodb, PORT: 27_017, DBNAME, USER }],
    DOCKER: {
      K8S_DATA_PERSISTENT_VOLUME_CLAIM: release.claim.name,
      APP_SHORTNAME: name,
    },
    OBJECTSTORE: { ENABLE_OBJECT_STORE: objectStorage },
    DLSRV: { USER_DATA_MOUNT_SUBPATH: "data", USER_DATA_BASE_PATH: "/opt/powerai-vision/data/" },
    FUNC: { ADMIN_USERS: ["admin"] },
  };
  const data = { "config-powerai-k8s.json": JSON.stringify(settings, undefined, 1) };
  const called = metadata(release, `${name}-config`);
  return { apiVersion: "v1", kind: "ConfigMap", metadata: called, data };
}

function database(release: StandIn): KubeObject[] {
  const { mongodb, mongod, mongodCommand, image } = release;
  const lean = ["--wiredTigerCacheSizeGB", "0.25", "--setParameter", "enableTestCommands=1"];
  const plain = ["--dbpath", "/data/db", "--bind_ip_all", "--auth", "--nounixsocket", ...lean];
  const template = pod({
    ...{ name: mongodb, image, volume: release.claim.name, graceSeconds: 10 },
    command: mongodCommand ?? [mongodProgram(mongod), ...plain],
    port: 27_017,
    mount: { mountPath: "/data/db", subPath: "run/mongodb" },
  });
  return [service(release, mongodb, 27_017), deployment(release, mongodb, template)];
}

function sleeping(release: StandIn, name: string, port: number): KubeObject[] {
  const { image, claim: of } = release;
  const template = sleeper({ name, image, volume: of.name });
  return [service(release, name, port), deployment(release, name, template)];
}

function serving(release: StandIn, name: string): KubeObject[] {
  const { image, claim: of, version } = release;
  const template = versionServer({ name, image, volume: of.name }, version);
  return [service(release, name, 9080), deployment(release, name, template)];
}

function service(release: StandIn, name: string, port: number): KubeObject {
  const [, short] = name.split(/-(?=[^-]+$)/);
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(release, name, "svc"),
    spec: {
      type: "ClusterIP",
      selector: { run: `${name}-dp` },
      ports: [{ name: `${short}-port`.slice(0, 15), port }],
    },
  };
}

function deployment(release: StandIn, name: string, template: Template): KubeObject {
  const isUi = name === release.ui && release.side === "destination";
  const own = { run: `${name}-dp`, ...(isUi ? { "app.kubernetes.io/name": "ui" } : {}) };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: metadata(release, name, "dep"),
    spec: {
      replicas: 1,
      strategy: { type: "Recreate" },
      selector: { matchLabels: { run: `${name}-dp` } },
      template: { ...template, metadata: { labels: { ...labelsOf(release), ...own } } },
    },
  };
}

/** What Helm 3 keeps of a release. */
function helmSecret(release: StandIn): KubeObject {
  const { name, namespace: in_, chart = "", version: appVersion } = release;
  const [, chartName, version] = /^(.*)-(\d[^-]*)$/.exec(chart) ?? [];
  const content = {
    ...{ name, namespace: in_, version: 1, info: { status: "deployed" } },
    chart: { metadata: { name: chartName, version, appVersion } },
  };
  const packed = gzipSync(JSON.stringify(content)).toString("base64");
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: `sh.helm.release.v1.${name}.v1`,
      namespace: in_,
      labels: { name, owner: "helm", status: "deployed", version: "1" },
    },
    type: "helm.sh/release.v1",
    stringData: { release: packed },
  };
}
