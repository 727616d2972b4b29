import { workDirOf } from "../config/load.ts";
import { isClusterSide } from "../config/network.ts";
import { loadNetwork } from "../config/network-load.ts";
import type { NetworkFlags } from "../config/network-overlay.ts";
import { placeOf } from "../controller/find-migration.ts";
import { type ClusterFlags, networkFile } from "./cluster.ts";

/**
 * Where a command finds migrations: in a folder of this machine, with the network config where there
 * is one, or in the cluster of its source.
 */
export type Where = { place: string; file?: string } | { place?: undefined; file: string };

export async function whereOf(flags: ClusterFlags): Promise<Where> {
  const file = await networkFile(flags);
  if (file === undefined) return { place: placeOf(flags) };
  const { source } = (await loadNetwork(file, flags)).network;
  return isClusterSide(source) ? { file } : { file, place: workDirOf(source.dir, undefined) };
}

/** Whether a network config moves a folder of this machine. */
export async function hasFolderSource(file: string, flags: NetworkFlags): Promise<boolean> {
  return !isClusterSide((await loadNetwork(file, flags)).network.source);
}
