import type { TestProject } from "vitest/node";
import { ensureDocker } from "../../tools/cluster/docker.ts";
import { type ClusterOffer, offerCluster, withdrawCluster } from "./cluster-offer.ts";

declare module "vitest" {
  interface ProvidedContext {
    cluster: ClusterOffer;
  }
}

/** Brings a cluster up before the tests that need it; what this run has started, it ends. */
export async function setup(project: TestProject): Promise<void> {
  const offer = await offerCluster();
  if (offer.missing) process.stderr.write(`${offer.missing}: the e2e tests are skipped\n`);
  // The tests of the image run containers beside the cluster.
  if (offer.kind === "local") await ensureDocker();
  project.provide("cluster", offer);
}

export async function teardown(): Promise<void> {
  await withdrawCluster();
}
