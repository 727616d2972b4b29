import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { missingGo } from "./build.ts";

const programs = [
  ...["etcd", "containerd", "ctr", "runc", "docker", "dockerd", "iptables", "conntrack", "ip"],
  ...["openssl", "debootstrap", "mount", "umount", "tar"],
];

/** Why no cluster can run on this machine, in a line; undefined where it can. */
export async function missingForCluster(): Promise<string | undefined> {
  const reason = await firstReason();
  return reason && `No Kubernetes cluster: ${reason}`;
}

async function firstReason(): Promise<string | undefined> {
  if (process.platform !== "linux") return `it takes Linux, this is ${process.platform}`;
  if (process.getuid?.() !== 0) return "it takes root";
  const missing = programs.filter((program) => !isOnPath(program));
  if (missing.length > 0) return `not installed: ${missing.join(", ")}`;
  if (!existsSync("/usr/lib/cni/bridge")) {
    return "not installed: /usr/lib/cni/bridge (containernetworking-plugins)";
  }
  return missingGo();
}

function isOnPath(program: string): boolean {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.some((folder) => existsSync(join(folder, program)));
}
