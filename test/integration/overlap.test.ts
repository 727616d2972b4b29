import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { machineLimits } from "../../src/core/machine-limits.ts";
import { stepsAtOnce } from "../../src/manager/steps-at-once.ts";
import type { StepAccount } from "../../src/state/report-profile.ts";
import type { Status, StepStatus } from "../../src/state/status.ts";
import {
  between,
  emptySide,
  expectedHashes,
  type MadeSide,
  madeSide,
  programs,
  run,
  type Side,
} from "../support/migration.ts";
import { rsyncDifferences } from "../support/peers.ts";
import { readHashes } from "../support/read-documents.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

const isWide = stepsAtOnce(machineLimits()) > 1;

let folder: string;
let source: MadeSide;
let destination: Side;

beforeAll(async () => {
  folder = makeDir();
  source = await madeSide(join(folder, "a"), { server: "A", version: "4.4", cases: "plain" });
  destination = await emptySide(join(folder, "d"), "6.0");
  // Each migration has a database of its own, for which only this user has the rights.
  writeFileSync(destination.uriFile, `${destination.mongod.adminUri}\n`);
});
afterAll(async () => {
  await source.mongod.stop();
  await destination.mongod.stop();
  removeTree(folder);
});

/** A migration into a database of its own. */
async function planned(name: string, ...flags: string[]) {
  const { code, stdout, stderr } = await run(
    "migctl",
    ...["plan", "-o", "json", ...between(source, destination), "--name", name],
    ...["--dest-database", name, "--on-conflict", "overwrite", ...flags],
  );
  expect(code, stderr).toBe(0);
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(JSON.parse(stdout).plan));
  const place = join(source.dir, "logs/migrations", name);
  const read = (what: string) => JSON.parse(readFileSync(join(place, what), "utf8"));
  return {
    async manage(failpoints?: string) {
      const env = failpoints && { MIGCTL_ENABLE_FAILPOINTS: "1", MIGCTL_FAILPOINTS: failpoints };
      const ran = await execa(process.execPath, [programs.migmgr, "run", "--plan", file], {
        ...{ reject: false, all: true, ...(env && { env }) },
      });
      return { end: ran.exitCode ?? ran.signal, output: ran.all };
    },
    notes: () => read("report.json").items.flatMap(({ notes }: { notes: string[] }) => notes),
    accounts: (): StepAccount[] => read("report.json").items[0].profile,
    step(id: string): StepStatus {
      const [item] = (read("status.json") as Status).items;
      return item?.steps.find((step) => step.id === id) as StepStatus;
    },
    async expectWhole() {
      const expected = expectedHashes(source.oracle.scopes.server);
      expect(await readHashes(destination.mongod.adminUri, name)).toEqual(expected);
    },
  };
}

const overlapNote = expect.stringContaining("Documents were restored while others were backed up");

it("backs up while the files are copied, where there is a processor for each", async () => {
  const { manage, step, expectWhole, accounts } = await planned("beside", "--profile");
  const { end, output } = await manage();
  expect(end, output).toBe(0);
  const [backup, copy] = [step("db-backup"), step("files-tar")];
  expect((backup.startedAt ?? 0) < (copy.startedAt ?? 0)).toBe(isWide);
  expect(step("inventory-2").startedAt).toBeGreaterThanOrEqual(backup.finishedAt ?? Infinity);
  await expectWhole();
  const differences = await rsyncDifferences(source.dir, destination.dir, {
    exclude: ["/logs", "/run", "/._init"],
  });
  expect(differences.filter((line) => !line.endsWith(" ./"))).toEqual([]);
  expectPlausible(accounts(), step);
});

function expectPlausible(accounts: StepAccount[], step: (id: string) => StepStatus) {
  const accountOf = (id: string) => accounts.find((one) => one.step === id) as StepAccount;
  const [sync, backup, restore] = ["files-sync", "db-backup", "db-restore"].map(accountOf) as [
    StepAccount,
    StepAccount,
    StepAccount,
  ];
  const moved = step("db-backup").output as { documents: number; bytes: number };
  expect(backup.moved).toEqual({ documents: moved.documents, bytes: moved.bytes });
  expect(restore.moved).toEqual(backup.moved);
  const sent = step("files-sync").output as { filesSent: number; bytesSent: number };
  expect(sync.moved).toEqual({ files: sent.filesSent, bytes: sent.bytesSent });
  expect(sync.profile.cpu.programs).toBeGreaterThan(0);
  expect(backup.profile.waits["sourceDatabase"]).toBeGreaterThan(0);
  expect(restore.profile.depths["batchesInFlight"]?.most).toBeGreaterThanOrEqual(1);
  expect(backup.profile.shared).toBe(isWide);
  const whole = accounts.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  for (const { milliseconds, profile, bound } of accounts) {
    if (bound !== undefined) expect(profile.cpu.manager).toBeGreaterThan(0);
    expect(profile.peakRss.manager).toBeGreaterThan(20_000_000);
    for (const time of Object.values(profile.waits)) {
      expect(time).toBeLessThanOrEqual(milliseconds + 50);
    }
    expect(bound === undefined).toBe(milliseconds < whole / 20);
  }
}

it("restores while it backs up with --overlap, and says so", async () => {
  const { manage, step, notes, expectWhole } = await planned(
    "overlapped",
    ...["--migrationType", "db", "--force-db", "--overlap"],
  );
  const { end, output } = await manage();
  expect(end, output).toBe(0);
  expect((step("db-restore").startedAt ?? 0) < (step("db-backup").finishedAt ?? 0)).toBe(isWide);
  expect(notes()).toContainEqual(overlapNote);
  await expectWhole();
});

it.each([
  ["killed while it restores", "restore.afterBatch=kill@3", "SIGKILL"],
  ["killed before the archive has its name", "archive.beforeRename=kill@1", "SIGKILL"],
  ["stopped as the backup fails at its end", "archive.beforeSeal=throw:EIO@1", 5],
  ["stopped as the restore fails", "restore.beforeCheckpoint=throw:EIO@2", 5],
])("comes to the same when it is %s", async (_, failpoints, ended) => {
  const name = `after-${failpoints.replaceAll(/[^a-z0-9]+/gi, "-").toLowerCase()}`;
  const { manage, step, expectWhole } = await planned(
    name,
    ...["--migrationType", "db", "--force-db", "--overlap"],
  );
  const faulty = await manage(failpoints);
  expect(faulty.end, faulty.output).toBe(ended);
  if (ended !== "SIGKILL") {
    const states = [step("db-backup").state, step("db-restore").state];
    expect(states).toContain("failed");
    expect(states.filter((state) => !["failed", "not-run", "done"].includes(state))).toEqual([]);
  }
  const again = await manage();
  expect(again.end, again.output).toBe(0);
  await expectWhole();
});

it("is refused where all documents are to be compared before the first is written", async () => {
  const flags = [...between(source, destination), "--on-conflict", "fail", "--overlap"];
  const { code, stderr } = await run("migctl", "plan", ...flags);
  expect(code).toBe(2);
  expect(stderr).toContain("--overlap cannot be had with --on-conflict fail");
});
