import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { refuseLiving } from "../../src/controller/deploy/refuse-living.ts";
import { renderMigration } from "../../src/controller/render/migration.ts";
import type { ExecSession } from "../../src/kube/cluster.ts";
import { writeResult } from "../../src/state/result.ts";
import type { Status } from "../../src/state/status.ts";
import { fakeCluster } from "../support/fake-cluster.ts";
import { programs } from "../support/migration.ts";
import { samplePlan } from "../support/sample-plan.ts";
import { settled } from "../support/settled.ts";
import { tempDir } from "../support/temp-dir.ts";
import { sampleInput } from "../unit/controller/render/sample-input.ts";

const name = "shop-files-1";

/** A manager's pod whose folder is on this machine, and whose programs run here. */
function makeRun(state: Status["state"]) {
  const plan = samplePlan({ name, workDir: tempDir() });
  const folder = join(plan.workDir, name);
  mkdirSync(folder);
  const status: Status = {
    ...{ version: 1, seq: 1, plan: plan.fingerprint, name, migrationType: "files", run: "a1" },
    ...{ generation: 1, state, startedAt: 1, updatedAt: 2, items: [] },
  };
  writeFileSync(join(folder, "status.json"), JSON.stringify(status));
  const objects = settled(renderMigration(sampleInput({ plan })));
  const cluster = fakeCluster({ objects, exec: async (_container, command) => execHere(command) });
  return { folder, refused: () => refuseLiving(cluster, "default", name) };
}

function execHere([, ...args]: readonly string[]): ExecSession {
  const child = spawn(process.execPath, [programs.migmgr, ...args]);
  const { stdin, stdout, stderr } = child;
  const ended = once(child, "close").then(([code]) => Number(code));
  return { stdin, stdout, stderr, ended, close: () => void child.kill() };
}

async function end(folder: string) {
  await writeResult(folder, {
    ...{ version: 1, name, attempt: "a1", host: "pod", finishedAt: 3, exitCode: 0 },
  });
}

it("refuses a migration that works", async () => {
  const { refused } = makeRun("running");
  await expect(refused()).rejects.toMatchObject({ code: "E_LOCKED" });
});

it("takes up one that has ended", async () => {
  const { folder, refused } = makeRun("done");
  await end(folder);
  expect(await refused()).toMatchObject({ name, state: "done" });
});

it("awaits the end of one whose steps are done", async () => {
  const { folder, refused } = makeRun("done");
  const [status] = await Promise.all([refused(), sleep(2000).then(() => end(folder))]);
  expect(status).toMatchObject({ name, state: "done" });
});
