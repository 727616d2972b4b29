import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCluster, type TestCluster } from "../../test/support/cluster-client.ts";
import { offerCluster, withdrawCluster } from "../../test/support/cluster-offer.ts";
import { type ClusterBed, deployBed } from "../../test/support/deploy-bed.ts";
import { baseImage } from "../../tools/cluster/base-image.ts";
import { provideGoProgram } from "../../tools/cluster/build.ts";
import { inDocker } from "../../tools/cluster/images.ts";
import { buildImage } from "../../tools/image.ts";
import { say } from "../common/compare.ts";
import { peerImage } from "./peer-image.ts";

/** Two releases in the test cluster whose owners are kept, and how its kubectl is run. */
export interface BenchBed extends ClusterBed {
  cluster: TestCluster;
  kubectl: string[];
}

/** Brings up all that is needed, runs `work`, and takes away what was made. */
export async function withBed<T>(work: (bed: BenchBed) => Promise<T>): Promise<T> {
  const offer = await offerCluster();
  if (offer.kind !== "local") {
    throw new Error(
      offer.missing ?? "The benchmark measures on the node: it makes its own cluster",
    );
  }
  const cluster = openCluster(offer);
  const folder = mkdtempSync(join(tmpdir(), "migctl-bench-"));
  let bed: ClusterBed | undefined;
  try {
    say("Building the image and the two releases");
    await cluster.loadImage(await buildImage({ baseImage: await baseImage() }));
    await cluster.loadImage(await inDocker(peerImage));
    bed = await deployBed(cluster, { folder, destination: { security: "privileged" } });
    const program = await provideGoProgram("kubernetes");
    const kubectl = [program, "kubectl", `--kubeconfig=${cluster.kubeconfig}`];
    return await work({ ...bed, cluster, kubectl });
  } finally {
    await bed?.remove();
    await rm(folder, { recursive: true, force: true });
    await withdrawCluster();
  }
}
