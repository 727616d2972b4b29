import type { ClusterSideConfig, NetworkConfig } from "./network.ts";
import { isClusterSide } from "./network.ts";
import type { Problem } from "./shape.ts";

const whole = ["service", "hosts", "username", "password", "authSource", "replicaSet"] as const;

/** What the schema cannot say: fields that need or exclude each other. */
export function networkProblems({ source, destination }: NetworkConfig): Problem[] {
  const problems: Problem[] = [];
  if (isClusterSide(source)) {
    problems.push(...sideProblems("source", source), ...earlyToken("source", source));
  }
  if (isClusterSide(destination)) {
    problems.push(...sideProblems("destination", destination));
    if (!isClusterSide(source)) problems.push(...earlyToken("destination", destination));
    if (destination.container !== undefined && destination.pod === undefined) {
      problems.push({ path: ["destination", "container"], message: "needs a pod" });
    }
  }
  return problems;
}

function sideProblems(name: string, side: ClusterSideConfig): Problem[] {
  return [
    ...accessProblems([name, "cluster"], side.cluster),
    ...databaseProblems([name, "database"], side.database ?? {}),
  ];
}

function accessProblems(path: string[], cluster: ClusterSideConfig["cluster"]): Problem[] {
  if (!("server" in cluster)) return [];
  const { token, clientCertificateFile: certificate, clientKeyFile: key } = cluster;
  const problems: Problem[] = [];
  if ((certificate === undefined) !== (key === undefined)) {
    problems.push({ path, message: "needs clientCertificateFile and clientKeyFile, or neither" });
  } else if (token === undefined && certificate === undefined) {
    problems.push({ path, message: "needs a token, or a client certificate and its key" });
  }
  if (cluster.caFile !== undefined && cluster.insecureSkipTlsVerify === true) {
    const message = "excludes caFile: either the certificate is checked, or it is not";
    problems.push({ path: [...path, "insecureSkipTlsVerify"], message });
  }
  return problems;
}

/** A Secret cannot tell how to reach the API that has it. */
function earlyToken(name: string, { cluster }: ClusterSideConfig): Problem[] {
  if (!("server" in cluster) || cluster.token === undefined) return [];
  if (!("secret" in cluster.token)) return [];
  const message = "must be a file or a variable: there is no API yet to read a Secret from";
  return [{ path: [name, "cluster", "token", "secret"], message }];
}

function databaseProblems(
  path: string[],
  database: NonNullable<ClusterSideConfig["database"]>,
): Problem[] {
  const problems: Problem[] = [];
  if (database.uri !== undefined) {
    for (const key of whole) {
      if (database[key] === undefined) continue;
      problems.push({ path: [...path, key], message: "is part of the uri, which is given too" });
    }
  }
  if (database.service !== undefined && database.hosts !== undefined) {
    problems.push({ path: [...path, "hosts"], message: "excludes service: give one of them" });
  }
  const { tls } = database;
  if (tls?.key !== undefined && tls.certificate === undefined) {
    problems.push({
      path: [...path, "tls", "key"],
      message: "needs the certificate that it is of",
    });
  }
  if (tls?.ca !== undefined && tls.allowInvalidCertificates === true) {
    const message = "excludes ca: either the certificates are checked, or they are not";
    problems.push({ path: [...path, "tls", "allowInvalidCertificates"], message });
  }
  return problems;
}
