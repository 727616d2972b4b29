import { existsSync, writeFileSync } from "node:fs";
import { execa } from "execa";
import { inject } from "vitest";
import { baseImage } from "../../tools/cluster/base-image.ts";
import type { TestCluster } from "./cluster-client.ts";
import { type BedOptions, type ClusterBed, deployBed } from "./deploy-bed.ts";

export { type ClusterBed, canariesIn, canaryPassword } from "./deploy-bed.ts";

let image: Promise<void> | undefined;

/** Builds the image of the sources as they are, once for all files of a run, and hands it to the node. */
function productImage(cluster: TestCluster): Promise<void> {
  image ??= (async () => {
    const isThere = inject("productImage");
    if (existsSync(isThere)) return;
    const args = ["tools/image.ts", "--base-image", await baseImage()];
    const { stdout } = await execa(process.execPath, args);
    const tag = stdout.trim().split("\n").at(-1) ?? "";
    await cluster.loadImage(tag);
    writeFileSync(isThere, tag);
  })();
  return image;
}

export async function makeBed(cluster: TestCluster, options: BedOptions): Promise<ClusterBed> {
  await productImage(cluster);
  return await deployBed(cluster, options);
}
