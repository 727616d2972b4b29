import {
  globSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
} from "node:fs";
import { execa } from "execa";
import { containerdSocket, paths, runFolder, stateFolder } from "./settings.ts";

/** Where the controller manager's provisioner makes its volumes; nothing can change it. */
export const provisionerFolder = "/tmp/hostpath_pv";

/** Ends containers with their shims, which outlive containerd. */
export function killContainers(): void {
  for (const shim of shims()) {
    for (const child of childrenOf(shim)) kill(child);
    kill(shim);
  }
}

/** Our shims are those that talk to our containerd. */
function shims(): number[] {
  return processes().filter((pid) => {
    const words = commandLine(pid);
    return words[0]?.includes("containerd-shim") && words.includes(containerdSocket);
  });
}

function childrenOf(parent: number): number[] {
  return processes().filter((pid) => {
    const stat = read(`/proc/${pid}/stat`);
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === parent;
  });
}

function processes(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function commandLine(pid: number): string[] {
  return read(`/proc/${pid}/cmdline`).split("\0");
}

/** A process may end while it is looked at. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

/** Unmounts everything below our folders; throws where something stays. */
export async function unmountAll(): Promise<void> {
  for (const point of mountPoints()) await execa("umount", ["-l", point], { reject: false });
  const [left] = mountPoints();
  if (left) throw new Error(`Cannot unmount ${left}: see what uses it with "fuser -m ${left}"`);
}

/** The innermost first. */
function mountPoints(): string[] {
  const points = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .flatMap((line) => line.split(" ")[4] ?? [])
    .map((path) => path.replace(/\\(\d{3})/g, (_, code) => String.fromCharCode(parseInt(code, 8))));
  return points.filter((path) => ourFolders().some((ours) => isBelow(path, ours))).reverse();
}

/** The state folder may be that of another user, whose cluster it is. */
function ourFolders(): string[] {
  const other = read(paths.owner);
  return [stateFolder, ...(other.endsWith("/migctl/cluster") ? [other] : []), runFolder];
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`);
}

/** Removes our folders, and what the kubelet and containerd leave in the machine's. */
export async function removeFolders(): Promise<void> {
  for (const socket of shimSockets()) rmSync(socket, { force: true });
  const folders = ourFolders();
  // A mount that was overlooked must not lose what is in it.
  await execa("rm", ["-rf", "--one-file-system", "--", ...folders]);
  if (isLink(provisionerFolder)) rmSync(provisionerFolder);
  for (const link of globSync("/var/log/containers/*.log")) {
    if (isLink(link) && folders.some((ours) => isBelow(readlinkSync(link), ours))) rmSync(link);
  }
  rmSync("/var/lib/kubelet/device-plugins/kubelet.sock", { force: true });
  rmSync("/var/lib/kubelet/device-plugins/DEPRECATION", { force: true });
  removeEmpty("/var/lib/kubelet/device-plugins", "/var/lib/kubelet", "/var/log/containers");
  removeEmpty("/var/lib/cni/results", "/var/lib/cni", "/run/containerd/s", "/run/containerd");
  removeControlGroups();
}

/** A shim that was killed leaves its socket in a folder that all of containerd's share. */
function shimSockets(): string[] {
  const notes = globSync(`${runFolder}/containerd/io.containerd.runtime.v2.task/*/*/address`);
  return notes.map((note) => read(note).replace("unix://", "")).filter((path) => path !== "");
}

function removeControlGroups(): void {
  const groups = globSync("/sys/fs/cgroup/{kubepods,*/kubepods}");
  for (const group of groups) {
    const inner = globSync(`${group}/**/`).sort((a, b) => b.length - a.length);
    removeEmpty(...inner, group);
  }
}

/** What is in use, or is not there, stays as it is. */
function removeEmpty(...folders: string[]): void {
  for (const folder of folders) {
    try {
      rmdirSync(folder);
    } catch {
      // Somebody else's things are in it.
    }
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}
