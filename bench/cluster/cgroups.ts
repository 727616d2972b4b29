import { existsSync, globSync, readFileSync } from "node:fs";
import { basename } from "node:path";

/** A pod as the node's kernel accounts for it; either version of control groups. */
interface PodGroup {
  uid: string;
  /** Nanoseconds of processor time since it began; undefined once it is gone. */
  cpuNs(): number | undefined;
  /** The processes of all its containers. */
  pids(): string[];
}

const roots = ["/sys/fs/cgroup/cpuacct/kubepods", "/sys/fs/cgroup/kubepods"];

/** All pods that the node has by now. */
export function podGroups(): PodGroup[] {
  const root = roots.find((path) => existsSync(path));
  if (root === undefined) throw new Error("The node's pods are in no control group that is known");
  return globSync([`${root}/pod*`, `${root}/*/pod*`]).map((folder) => ({
    uid: basename(folder),
    cpuNs: () => cpuNsOf(folder),
    pids: () => globSync(`${folder}/{.,*}/cgroup.procs`).flatMap((file) => read(file).split("\n")),
  }));
}

function cpuNsOf(folder: string): number | undefined {
  const first = read(`${folder}/cpuacct.usage`);
  if (first !== "") return Number(first);
  const second = /^usage_usec (\d+)/m.exec(read(`${folder}/cpu.stat`))?.[1];
  return second === undefined ? undefined : Number(second) * 1000;
}

/** What is gone meanwhile is empty. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
