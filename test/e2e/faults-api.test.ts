import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Oracle } from "../fixtures/server/oracle.ts";
import { noCluster, testCluster } from "../support/cluster.ts";
import { type RevocableToken, revocableToken } from "../support/cluster-account.ts";
import { type ClusterBed, makeBed } from "../support/cluster-bed.ts";
import {
  attemptsOf,
  managerPods,
  type RunningMigctl,
  restartsOf,
  spawnMigctl,
  statusOnVolume,
  until,
} from "../support/cluster-run.ts";
import { cutPod, cutProcess } from "../support/cut-connections.ts";
import { expectEqualData, insertBulk } from "../support/equal-data.ts";
import { fillStandIn } from "../support/stand-in-release.ts";
import { makeDir } from "../support/temp-dir.ts";

const name = "cut-off";
const plan = ["--migrationType", "full", "--name", name];
const args = [
  ...["start", ...plan, "--wait", "--bwlimit", "4000"],
  ...["--transport", "exec", "--link", "port-forward", "--requests", "cpu=10m,memory=64Mi"],
];

let bed: ClusterBed;
let oracle: Oracle;
let running: RunningMigctl | undefined;
/** The destination's, which the migration has. */
let token: RevocableToken;
/** What migctl showed while the API refused the token in the middle of a step. */
const whileRefused: Record<string, string> = {};

/** Two times of waiting for the kubelet to renew a Secret are in it. */
const wholeRunSeconds = 540;
const cutsOfStep = 5;
/** After so many cuts the token is refused as well. */
const cutsBefore = 2;

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
  await until(
    "its end",
    async () => {
      const steps = statusOnVolume(bed, name)?.items[0]?.steps;
      const { id, progress } = steps?.find(({ state }) => state === "running") ?? {};
      const now = JSON.stringify([id, progress]);
      if (id !== undefined && progress !== undefined && now !== seen) {
        seen = now;
        if ((cuts[id] ?? 0) < cutsOfStep && (await cutAll(running.pid))) {
          cuts[id] = (cuts[id] ?? 0) + 1;
          if (cuts[id] === cutsBefore && sending.has(id)) whileRefused[id] = await refuseToken();
        }
      }
      return isOver;
    },
    wholeRunSeconds,
  );
  return cuts;
}

const sending: ReadonlySet<string> = new Set(["files-sync", "db-restore"]);

/**
 * Has the API refuse the token until the run waits for another one, which it then gets. Returns
 * what migctl shows of it meanwhile.
 */
async function refuseToken(): Promise<string> {
  await token.revoke();
  const isWaiting = () => statusOnVolume(bed, name)?.waiting !== undefined;
  // What comes through before the API has forgotten the token is cut once more.
  await until("the run waits", async () => {
    if (isWaiting()) return true;
    const [pod] = await managerPods(bed, name);
    await cutPod(pod?.status?.podIP ?? "");
    return false;
  });
  const { stdout } = await bed.migctl("status", "--name", name);
  await renewToken();
  expect(await bed.migctl("secret", "create", ...plan)).toMatchObject({ code: 0 });
  await until("the run goes on", () => !isWaiting());
  return stdout;
}

async function renewToken() {
  const { namespace } = bed.destination;
  token = await revocableToken(bed.cluster, { namespace, name: "migctl" });
  writeFileSync(join(bed.folder, "destination-token"), token.token, { mode: 0o600 });
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
    await renewToken();
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
    // More would ask for a machine that is slow enough.
    for (const step of sending) expect(cuts[step], step).toBeGreaterThanOrEqual(cutsBefore);
    if (ran.code !== 0) {
      expect(ran).toMatchObject({ code: 5 });
      expect(await bed.migctl(...args)).toMatchObject({ code: 0 });
    }
    await expectEqualData(bed, oracle);
  });

  it("waits where its token is refused in the middle of a step, says for what, and goes on in it", async () => {
    expect(Object.keys(whileRefused).sort()).toEqual([...sending].sort());
    const attempts = attemptsOf(statusOnVolume(bed, name));
    for (const step of sending) expect(attempts[step], step).toBe(1);
    expect(restartsOf(await managerPods(bed, name))).toEqual([0]);
    const { stdout: log } = await bed.migctl("logs", "--name", name);
    expect(log).toContain("Waiting for another token");
    expect(log).toContain("The API takes the log-in again");
    for (const shown of Object.values(whileRefused)) {
      expect(shown).toMatch(/^ {2}waits since .+ for a log-in: .*Unauthorized/m);
      expect(shown).toContain(`Secret "${name}-credentials"`);
      expect(shown).toContain("migctl secret create");
    }
  });
});
