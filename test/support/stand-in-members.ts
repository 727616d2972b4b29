import { randomBytes } from "node:crypto";
import type { KubeObject } from "../../src/kube/resource.ts";
import { mongodProgram, type StandInVersion, standInImage } from "./stand-in-image.ts";
import type { MemberCertificate } from "./stand-in-tls.ts";

export interface ReplicaSetOptions {
  namespace: string;
  /** Of the set, the service and the StatefulSet; "mongo" unless said otherwise. */
  name?: string;
  mongod?: StandInVersion;
  user?: string;
  password?: string;
}

export type ReplicaSet = Required<ReplicaSetOptions> & { tls: MemberCertificate };

export const members = [0, 1, 2];
export const replicaSetPort = 27_017;

/** The name of a member, for which its certificate is good. */
export function memberName({ name, namespace }: ReplicaSet, index: number): string {
  return `${name}-${index}.${name}.${namespace}.svc`;
}

export function replicaSetObjects(set: ReplicaSet): KubeObject[] {
  return [secret(set), service(set), statefulSet(set)];
}

function metadata({ name, namespace }: ReplicaSet) {
  return { name, namespace, labels: { app: name } };
}

function secret(set: ReplicaSet): KubeObject {
  const keyfile = randomBytes(64).toString("base64");
  const stringData = { "ca.crt": set.tls.ca, "member.pem": set.tls.pem, keyfile };
  return { apiVersion: "v1", kind: "Secret", metadata: metadata(set), stringData };
}

/** Members must find each other before they are ready. */
function service(set: ReplicaSet): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(set),
    spec: {
      clusterIP: "None",
      publishNotReadyAddresses: true,
      selector: { app: set.name },
      ports: [{ name: "mongodb", port: replicaSetPort }],
    },
  };
}

function statefulSet(set: ReplicaSet): KubeObject {
  const labels = { app: set.name };
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: metadata(set),
    spec: {
      serviceName: set.name,
      replicas: members.length,
      podManagementPolicy: "Parallel",
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec(set) },
    },
  };
}

function podSpec(set: ReplicaSet) {
  return {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: "mongod",
        image: standInImage.tag,
        imagePullPolicy: "IfNotPresent",
        command: ["sh", "-c", startCommand(set)],
        ports: [{ containerPort: replicaSetPort }],
        readinessProbe: { tcpSocket: { port: replicaSetPort }, periodSeconds: 1 },
        volumeMounts: [
          { name: "data", mountPath: "/data/db" },
          { name: "tls", mountPath: "/tls" },
        ],
      },
    ],
    volumes: [
      { name: "data", emptyDir: {} },
      { name: "tls", secret: { secretName: set.name } },
    ],
  };
}

/** mongod refuses a key file that others may read, which a mounted one may be. */
function startCommand({ name, mongod }: ReplicaSet): string {
  const flags = [
    ...["--dbpath /data/db", "--bind_ip_all", `--replSet ${name}`, "--oplogSize 64"],
    ...["--auth", "--keyFile /data/keyfile", "--tlsMode requireTLS"],
    ...["--tlsCertificateKeyFile /tls/member.pem", "--tlsCAFile /tls/ca.crt"],
    ...["--tlsAllowConnectionsWithoutCertificates", "--wiredTigerCacheSizeGB 0.25"],
    "--setParameter enableTestCommands=1",
  ];
  const key = "install -m 0400 /tls/keyfile /data/keyfile";
  return `${key} && exec ${mongodProgram(mongod)} ${flags.join(" ")}`;
}
