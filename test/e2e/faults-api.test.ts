import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Oracle } from "../fixtures/server/oracle.ts";
import { noCluster, testCluster } from "../support/cluster.ts";
import { type ClusterBed, makeBed } from "../support/cluster-bed.ts";
import {
  managerPods,
  type RunningMigctl,
  spawnMigctl,
  statusOnVolume,
  until,
} from "../support/cluster-run.ts";
import { cutPod, cutProcess } from "../support/cut-connections.ts";
import { expectEqualData, insertBulk } from "../support/equal-data.ts";
import { fillStandIn } from "../support/stand-in-release.ts";
import { makeDir } from "../support/temp-dir.ts";

const name = "cut-off";
const args = [
  ...["start", "--migrationType", "full", "--name", name, "--wait", "--bwlimit", "4000"],
  ...["--transport", "exec", "--link", "port-forward", "--requests", "cpu=10m,memory=64Mi"],
];

let bed: ClusterBed;
let oracle: Oracle;
let running: RunningMigctl | undefined;

const cutsOfStep = 5;

/**
 * Cuts what the manager and migctl have of connections with the API, again and again: each time
 * that a step got further, but not for ever. Returns how often, for each step.
 */
async function cutWhile(running: RunningMigctl): Promise<Record<string, number>> {
  const cuts: Record<string, number> = {};
  let isOver = false;
  void running.ended.then(() => {
    isOver = true;
  });
  let seen = "";
  await until("its end", async () => {
    const steps = statusOnVolume(bed, name)?.items[0]?.steps;
    const { id, progress } = steps?.find(({ state }) => state === "running") ?? {};
    const now = JSON.stringify([id, progress]);
    if (id !== undefined && progress !== undefined && now !== seen) {
      seen = now;
      if ((cuts[id] ?? 0) < cutsOfStep && (await cutAll(running.pid))) {
        cuts[id] = (cuts[id] ?? 0) + 1;
      }
    }
    return isOver;
  });
  return cuts;
}

async function cutAll(pid: number): Promise<boolean> {
  const [pod] = await managerPods(bed, name);
  const address = pod?.status?.podIP;
  const ofPod = address === undefined ? 0 : await cutPod(address);
  return ofPod + (await cutProcess(pid)) > 0;
}

describe.skipIf(noCluster)("a migration whose API connections are cut again and again", () => {
  beforeAll(async () => {
    bed = await makeBed(testCluster(), { folder: makeDir() });
    ({ oracle } = await fillStandIn(bed.source, { server: "A", cases: "plain" }));
    await insertBulk(bed.source, 30_000);
    // Where a file cannot be gone on with, a large one would never come through.
    for (let count = 0; count < 48; count += 1) {
      writeFileSync(join(bed.source.data, `bulk-${count}`), randomBytes(512 * 1024));
    }
  });
  afterAll(async () => {
    running?.kill();
    await bed?.remove();
  });

  it("loses no file and no document, in one start or honestly in two", async () => {
    running = spawnMigctl(bed, ...args);
    const cuts = await cutWhile(running);
    const ran = await running.ended;
    expect(cuts["files-sync"]).toBeGreaterThan(2);
    expect(cuts["db-restore"]).toBeGreaterThan(2);
    if (ran.code !== 0) {
      expect(ran).toMatchObject({ code: 5 });
      expect(await bed.migctl(...args)).toMatchObject({ code: 0 });
    }
    await expectEqualData(bed, oracle);
  });
});
