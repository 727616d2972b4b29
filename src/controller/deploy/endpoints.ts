import { createHash } from "node:crypto";
import { MigrationError } from "../../core/errors.ts";
import type { ClusterDestination, ClusterSource } from "../../plan/endpoint.ts";
import type { Discovered } from "../discover/discovered.ts";
import type { ExistingPod } from "../discover/existing-pod.ts";
import { credentialFile, credentialKeys, podPaths } from "../render/pod-paths.ts";

/** Of the receiver's TLS listener. */
export const receiverPort = 8722;

/** How the manager gets to the destination, as far as the network config and flags say. */
export interface Route {
  server: string;
  hasToken: boolean;
  hasCertificate: boolean;
  hasCa: boolean;
  tlsServerName?: string | undefined;
  insecureSkipTlsVerify?: boolean | undefined;
  proxyUrl?: string | undefined;
  transport: ClusterDestination["transport"];
  link: ClusterDestination["link"];
  /** A pod that receives the files, in place of one of ours. */
  pod?: ExistingPod | undefined;
}

/** The source as the manager in its pod sees it. */
export function sourceEndpoint(found: Discovered): ClusterSource {
  return {
    kind: "cluster",
    dir: found.mount.value,
    ...databaseRef(found, credentialKeys.sourceUri),
    identity: identityOf(found),
    cluster: placeOf(found),
  };
}

export function destinationEndpoint(found: Discovered, route: Route): ClusterDestination {
  const { pod } = route;
  return {
    kind: "cluster",
    dir: pod?.dir ?? found.mount.value,
    ...databaseRef(found, credentialKeys.destinationUri),
    identity: identityOf(found),
    cluster: placeOf(found),
    access: accessOf(route),
    receiver:
      pod === undefined
        ? { kind: "own", manifest: podPaths.receiver, port: receiverPort }
        : { kind: "existing", pod: pod.name, container: pod.container },
    transport: route.transport,
    link: route.link,
  };
}

function accessOf(route: Route): ClusterDestination["access"] {
  const { server, tlsServerName, insecureSkipTlsVerify, proxyUrl } = route;
  const file = credentialFile;
  return {
    server,
    ...(route.hasToken ? { tokenFile: file(credentialKeys.destinationToken) } : {}),
    ...(route.hasCa ? { caFile: file(credentialKeys.destinationCa) } : {}),
    ...(route.hasCertificate
      ? {
          clientCertificateFile: file(credentialKeys.destinationCertificate),
          clientKeyFile: file(credentialKeys.destinationKey),
        }
      : {}),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
    ...(insecureSkipTlsVerify === undefined ? {} : { insecureSkipTlsVerify }),
    ...(proxyUrl === undefined ? {} : { proxyUrl }),
  };
}

function databaseRef({ database }: Discovered, key: string) {
  if (database === undefined) return {};
  return { database: { uriFile: credentialFile(key), database: database.name.value } };
}

function placeOf(found: Discovered): ClusterSource["cluster"] {
  const { server, clusterUid, namespaceUid, namespace, claim, subPath, release, chart, version } =
    found;
  return {
    server,
    ...(clusterUid === undefined ? {} : { uid: clusterUid }),
    namespace: namespace.value,
    ...(namespaceUid === undefined ? {} : { namespaceUid }),
    claim: {
      name: claim.value.name,
      uid: claim.value.uid,
      ...(subPath.value === "" ? {} : { subPath: subPath.value }),
    },
    release: { name: release.value, ...(chart === undefined ? {} : { chart: chart.value }) },
    ...(version === undefined ? {} : { version: version.value }),
  };
}

/** The volume's uid tells clusters apart as well: it is given once. */
function identityOf({ namespace, claim, subPath, database }: Discovered): string {
  const parts = ["cluster", namespace.value, claim.value.uid, subPath.value];
  if (database !== undefined) parts.push(database.hosts.value.join(","), database.name.value);
  return createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 12);
}

/** Throws E_SAME_SERVER where both sides are the same volume. */
export function refuseSamePlace(source: Discovered, destination: Discovered) {
  if (source.claim.value.uid !== destination.claim.value.uid) return;
  throw new MigrationError(
    "E_SAME_SERVER",
    `Source and destination are the same volume: PersistentVolumeClaim "${source.claim.value.name}" in namespace "${source.namespace.value}"`,
    { hint: "Name two different releases in the network config; nothing was made" },
  );
}
