import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { ensureDocker } from "../../tools/cluster/docker.ts";
import { type ClusterOffer, offerCluster, withdrawCluster } from "./cluster-offer.ts";

declare module "vitest" {
  interface ProvidedContext {
    cluster: ClusterOffer;
    /** A file that is there once this run's image is on the node. */
    productImage: string;
  }
}

const productImage = join(tmpdir(), `migctl-e2e-image-${process.pid}`);

/** Brings a cluster up before the tests that need it; what this run has started, it ends. */
export async function setup(project: TestProject): Promise<void> {
  const offer = await offerCluster();
  if (offer.missing) process.stderr.write(`${offer.missing}: the e2e tests are skipped\n`);
  // The tests of the image run containers beside the cluster.
  if (offer.kind === "local") await ensureDocker();
  project.provide("cluster", offer);
  project.provide("productImage", productImage);
}

export async function teardown(): Promise<void> {
  await rm(productImage, { force: true });
  await withdrawCluster();
}
