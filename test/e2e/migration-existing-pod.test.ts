import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Pod } from "../../src/kube/pod.ts";
import type { Oracle } from "../fixtures/server/oracle.ts";
import { noCluster, testCluster } from "../support/cluster.ts";
import { type ClusterBed, makeBed } from "../support/cluster-bed.ts";
import { expectFiles, type Moves, movesOf, nameOf } from "../support/cluster-moves.ts";
import { until } from "../support/cluster-run.ts";
import { expectedHashes } from "../support/migration.ts";
import { pod as podOf } from "../support/stand-in-pods.ts";
import { fillStandIn } from "../support/stand-in-release.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

const name = "taker";

describe.skipIf(noCluster)("a migration into a pod that is there already", () => {
  let bed: ClusterBed;
  let moves: Moves;
  let oracle: Oracle;

  beforeAll(async () => {
    bed = await makeBed(testCluster(), { folder: makeDir(), route: { pod: name } });
    ({ oracle } = await fillStandIn(bed.source, { server: "A", cases: "FC3,FC6" }));
    moves = movesOf(bed);
  });
  afterAll(async () => {
    await bed?.remove();
    if (bed !== undefined) removeTree(bed.folder);
  });

  /** A pod with the destination's volume, at another place than the application has it. */
  async function startPod({ rsync }: { rsync: boolean }): Promise<string | undefined> {
    const { cluster, destination } = bed;
    const { release, namespace } = destination;
    const { spec } = podOf({
      ...{ name, image: release.image, volume: release.claim.name },
      command: ["sleep", "infinity"],
      mount: { mountPath: "/srv/taken data", subPath: "data" },
    });
    if (!rsync) await hideRsync(spec);
    await cluster.apply({ apiVersion: "v1", kind: "Pod", metadata: { name, namespace }, spec });
    return await until("the pod runs", async () => {
      const { metadata, status } = await read();
      return status?.containerStatuses?.[0]?.state?.running && metadata.uid;
    });
  }

  /** What cannot be run is as good as not there. */
  async function hideRsync({ containers, volumes }: ReturnType<typeof podOf>["spec"]) {
    const hidden = "no-rsync";
    const { namespace } = bed.destination;
    const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: hidden, namespace } };
    await bed.cluster.apply({ ...map, data: { rsync: "" } });
    Object.assign(volumes, [...volumes, { name: hidden, configMap: { name: hidden } }]);
    const mount = { name: hidden, mountPath: "/usr/bin/rsync", subPath: "rsync" };
    for (const { volumeMounts } of containers)
      Object.assign(volumeMounts, [...volumeMounts, mount]);
  }

  async function read(): Promise<Pod> {
    return Pod.parse(await bed.cluster.get("pod", name, bed.destination.namespace));
  }

  it("brings files by rsync and documents directly, and leaves the pod as it was", async () => {
    const uid = await startPod({ rsync: true });
    const ran = await moves.run(0, "start", "--wait", "-o", "json");
    expect(await moves.documents()).toEqual(expectedHashes(oracle.scopes.server));
    await expectFiles(bed.destination.data, oracle.scopes.server.files);
    const { stdout: log } = await moves.run(0, "logs");
    expect(log).toContain("The pod is not ours");
    expect(log).not.toContain("all files go by tar");
    await moves.run(0, "delete", "--purge", "--name", nameOf(ran));
    const { metadata, status } = await read();
    expect(metadata).toMatchObject({ uid });
    expect(metadata.deletionTimestamp).toBeUndefined();
    expect(status?.containerStatuses?.[0]?.restartCount).toBe(0);
  });

  it("refuses what needs a program of ours there", async () => {
    const ran = await moves.run(2, "start", "--link", "relay");
    expect(ran.stderr).toContain("the link relay");
  });

  it("brings every file by tar where the pod has no rsync", async () => {
    const { cluster, destination, source } = bed;
    await cluster.kubectl("delete", "pod", name, "-n", destination.namespace);
    for (const user of ["admin", "masadmin", "mviuser1"]) {
      await rm(join(destination.data, user), { recursive: true, force: true });
    }
    await rm(join(source.data, "logs/migrations"), { recursive: true, force: true });
    const uid = await startPod({ rsync: false });
    const ran = await moves.run(0, "--migrationType", "files", "--wait", "-o", "json");
    await expectFiles(destination.data, oracle.scopes.server.files);
    const { stdout: log } = await moves.run(0, "logs", "--name", nameOf(ran));
    expect(log).toContain("all files go by tar");
    expect((await read()).metadata).toMatchObject({ uid });
  });
});
