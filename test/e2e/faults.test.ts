import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Status } from "../../src/state/status.ts";
import type { Oracle } from "../fixtures/server/oracle.ts";
import { noCluster, testCluster } from "../support/cluster.ts";
import { type ClusterBed, makeBed } from "../support/cluster-bed.ts";
import {
  attemptsOf,
  doneSteps,
  managerPods,
  type RunningMigctl,
  receiverPods,
  restartsOf,
  resultOf,
  spawnMigctl,
  statusOnVolume,
  stepOf,
  until,
} from "../support/cluster-run.ts";
import { expectEqualData, insertBulk } from "../support/equal-data.ts";
import type { Ran } from "../support/migration.ts";
import { fillStandIn } from "../support/stand-in-release.ts";
import { makeDir } from "../support/temp-dir.ts";

const small = ["--requests", "cpu=10m,memory=64Mi"];
/** Then the steps come one after another, as each deletion is to meet one of them alone. */
const oneProcessor = ["--limits", "cpu=1,memory=1Gi"];

let bed: ClusterBed;
let oracle: Oracle;
/** None of them outlives a test that fails. */
const begun: RunningMigctl[] = [];

function spawn(...args: string[]): RunningMigctl {
  const running = spawnMigctl(bed, ...args);
  begun.push(running);
  return running;
}

describe.skipIf(noCluster)("a migration in the cluster", () => {
  beforeAll(async () => {
    bed = await makeBed(testCluster(), { folder: makeDir() });
    ({ oracle } = await fillStandIn(bed.source, { server: "A", cases: "plain" }));
    await insertBulk(bed.source, 30_000);
    writeFileSync(join(bed.source.data, "bulk"), randomBytes(24 * 1024 * 1024));
  });
  afterAll(async () => {
    for (const migctl of begun) migctl.kill();
    await bed?.remove();
  });

  describe("whose pod is deleted in the middle of files, of backup and of restore", () => {
    const name = "replaced";
    const faults = [
      { step: "files-sync", how: ["--wait=false"] },
      { step: "db-backup", how: ["--wait=false", "--grace-period=0", "--force"] },
      { step: "db-restore", how: ["--wait=false"] },
    ];
    /** What was done at each deletion, with how often it was begun. */
    const before: Record<string, number>[] = [];
    const receivers = new Set<string>();
    let ran: Ran;
    let log: Ran;
    let last: Status | undefined;

    beforeAll(async () => {
      const args = ["--migrationType", "full", "--name", name, "--bwlimit", "4000", ...small];
      const running = spawn("start", ...args, ...oneProcessor, "--wait", "-o", "json");
      const isOver = running.ended.then(({ code, stderr }) => {
        throw new Error(`It ended with ${code} before its pod was deleted: ${stderr}`);
      });
      let following: RunningMigctl | undefined;
      for (const { step, how } of faults) {
        await Promise.race([untilInTheMiddle(name, step), isOver]);
        following ??= spawn("logs", "-f", "--name", name);
        for (const { metadata } of await receiverPods(bed, name)) receivers.add(metadata.uid ?? "");
        const [pod] = await managerPods(bed, name);
        before.push(doneSteps(statusOnVolume(bed, name)));
        const { namespace } = bed.source;
        await bed.cluster.kubectl(
          "delete",
          "pod",
          "-n",
          namespace,
          pod?.metadata.name ?? "",
          ...how,
        );
      }
      isOver.catch(() => undefined);
      ran = await running.ended;
      log = await (following as RunningMigctl).ended;
      last = statusOnVolume(bed, name);
    });

    it("is followed by the one command to its end", () => {
      expect(ran).toMatchObject({ code: 0 });
      expect(JSON.parse(ran.stdout)).toMatchObject({ name });
    });

    it("has its log followed through its pods to the end, which the follower does not outlive", () => {
      expect(log.code, log.stderr).toBe(0);
      expect(log.stdout.match(/"msg":"Run started"/g)?.length).toBeGreaterThan(1);
      expect(log.stdout.match(/"msg":"Run finished"/g)).toHaveLength(1);
    });

    it("does not do again what was done, and goes on with what was not", () => {
      for (const done of before) expect(attemptsOf(last)).toMatchObject(done);
      for (const { step } of faults) expect(stepOf(last, step)?.attempts, step).toBe(2);
    });

    it("runs one step at a time where its container may use one processor", () => {
      const [backup, tar] = [stepOf(last, "db-backup"), stepOf(last, "files-tar")];
      expect(backup?.startedAt).toBeGreaterThanOrEqual(tar?.finishedAt ?? Number.NaN);
    });

    it("has a receiver for each of its pods, and leaves none of them", async () => {
      expect(receivers.size).toBe(faults.length);
      expect(await receiverPods(bed, name)).toEqual([]);
    });

    it("never restarts a container", async () => {
      expect(restartsOf(await managerPods(bed, name))).toEqual([0]);
    });

    it("has moved every file and every document", () => expectEqualData(bed, oracle));
  });

  it("goes on without the controller, which then finds it, refuses another, and says that it is done", async () => {
    writeFileSync(join(bed.source.data, "bulk-2"), randomBytes(24 * 1024 * 1024));
    const name = "left-alone";
    // It lasts for longer than migctl takes to look at it twice.
    const args = ["--migrationType", "files", "--name", name, "--bwlimit", "1500", ...small];
    const first = spawn("start", ...args, "--wait");
    await untilInTheMiddle(name, "files-sync");
    first.kill();
    expect(await first.ended).toMatchObject({ code: null });
    const [second, shown] = await Promise.all([
      bed.migctl("start", ...args, "--wait"),
      bed.migctl("status", "--name", name, "-o", "json"),
    ]);
    expect(second).toMatchObject({ code: 7 });
    expect(second.stderr).toContain(`The migration "${name}" runs already, in the pod "${name}-`);
    expect(second.stderr).toContain(`migctl status --name ${name}`);
    expect(shown).toMatchObject({ code: 0 });
    expect(JSON.parse(shown.stdout)).toMatchObject({ name, state: "running" });
    await until("its end", () => resultOf(bed, name));
    const last = await bed.migctl("start", ...args, "--wait");
    expect(last).toMatchObject({ code: 0 });
    expect(last.stderr).toContain("Done already");
    expect(Object.values(attemptsOf(statusOnVolume(bed, name)))).toContain(1);
    expect(new Set(Object.values(attemptsOf(statusOnVolume(bed, name))))).toEqual(new Set([1]));
    await expectEqualData(bed, oracle);
  });
});

/** Bytes or documents of the step were moved, and it is not done. */
async function untilInTheMiddle(name: string, id: string) {
  await until(`${id} in its middle`, () => {
    const step = stepOf(statusOnVolume(bed, name), id);
    if (step?.state === "done") throw new Error(`${id} was done too soon`);
    const { bytes, documents } = step?.progress ?? {};
    return step?.state === "running" && (bytes?.done ?? 0) + (documents?.done ?? 0) > 0;
  });
}
