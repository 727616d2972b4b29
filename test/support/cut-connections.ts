import { execa } from "execa";
import { network, ports } from "../../tools/cluster/settings.ts";

/** Cuts the API server's connections with a pod, by its address; returns how many there were. */
export async function cutPod(address: string): Promise<number> {
  return await cut(["sport", "=", `:${ports.api}`, "and", "dst", address]);
}

/** Cuts the connections that a process on this machine has with the API. */
export async function cutProcess(pid: number): Promise<number> {
  const api = ["dport", "=", `:${ports.api}`, "and", "dst", network.address];
  const { stdout } = await execa("ss", ["-Htnp", "state", "established", ...api]);
  const own = stdout.split("\n").filter((line) => line.includes(`pid=${pid},`));
  const local = own.flatMap((line) => /:(\d+)\s+\S+:\d+\s/.exec(line)?.[1] ?? []);
  const counts = await Promise.all(
    local.map((port) => cut([...api, "and", "sport", "=", `:${port}`])),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

async function cut(filter: string[]): Promise<number> {
  const { stdout } = await execa("ss", ["-K", "-Htn", "state", "established", ...filter]);
  return stdout.split("\n").filter((line) => line.trim() !== "").length;
}
