import { expect, it } from "vitest";
import { isOfAttempt } from "../../../src/controller/labels.ts";
import { systemClock } from "../../../src/core/clock.ts";
import type { Cluster } from "../../../src/kube/cluster.ts";
import { pods } from "../../../src/kube/resources.ts";
import { waitForPod } from "../../../src/kube/wait-for-pod.ts";

function podOf(name: string, attempt: string) {
  const running = { name: "main", ready: true, restartCount: 0, state: { running: {} } };
  return {
    metadata: { name, annotations: { "migctl/attempt": attempt } },
    spec: { containers: [] },
    status: { phase: "Running", containerStatuses: [running] },
  };
}

/** A cluster with these pods and nothing else. */
function clusterWith(...all: unknown[]): Cluster {
  const list = async (resource: unknown) => (resource === pods ? all : []);
  return { list } as unknown as Cluster;
}

it("takes no pod of an earlier start for that of this start", async () => {
  const wait = {
    ...{ namespace: "n", labels: "a=b", timeoutSeconds: 0, clock: systemClock },
    ...{ signal: new AbortController().signal, isMeant: isOfAttempt("second") },
  };
  const before = podOf("m-1", "first");
  const both = clusterWith(before, podOf("m-2", "second"));
  expect((await waitForPod({ ...wait, cluster: both })).metadata.name).toBe("m-2");
  const alone = waitForPod({ ...wait, timeoutSeconds: -1, cluster: clusterWith(before) });
  await expect(alone).rejects.toMatchObject({ code: "E_TIMEOUT" });
});
