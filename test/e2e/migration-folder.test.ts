import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noCluster, testCluster } from "../support/cluster.ts";
import { type ClusterBed, canariesIn, makeBed } from "../support/cluster-bed.ts";
import { ownPods, watchProcesses } from "../support/cluster-facts.ts";
import { expectFiles, type Moves, movesOf, nameOf, stepsOf } from "../support/cluster-moves.ts";
import { expectedHashes, type MadeSide, madeSide } from "../support/migration.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

describe.skipIf(noCluster)("a folder of this machine, moved into a cluster", () => {
  let bed: ClusterBed;
  let moves: Moves;
  let source: MadeSide;
  let before: Awaited<ReturnType<Moves["objects"]>>;
  let name: string;

  beforeAll(async () => {
    bed = await makeBed(testCluster(), { folder: makeDir() });
    source = await madeSide(join(bed.folder, "a"), {
      ...{ server: "A", version: "4.2", cases: "plain" },
    });
    describeSides({ source: { dir: source.dir, uriFile: source.uriFile, database: "DLAAS" } });
    moves = movesOf(bed);
    before = await moves.objects();
  });
  afterAll(async () => {
    await source?.mongod.stop();
    await bed?.remove();
    if (bed !== undefined) removeTree(bed.folder);
  });

  /** Puts sides over those of the bed's network config. */
  function describeSides(sides: Record<string, unknown>) {
    const network = JSON.parse(readFileSync(bed.network, "utf8"));
    writeFileSync(bed.network, JSON.stringify({ ...network, ...sides }));
  }

  it("is planned without a trace at the destination", async () => {
    const ran = await moves.run(10, "plan", "--detailed-exitcode", "-o", "json");
    expect(JSON.parse(ran.stdout).items).toHaveLength(1);
    expect(await moves.objects()).toEqual(before);
    expect(await moves.documents()).toEqual({});
  });

  it("comes with exactly the documents and files of the oracle, and without a secret shown", async () => {
    const processes = watchProcesses();
    const ran = await moves.run(0, "--migrationType", "full", "--wait", "-o", "json");
    const lines = processes.stop();
    name = nameOf(ran);
    const { scopes } = source.oracle;
    expect(await moves.documents()).toEqual(expectedHashes(scopes.server));
    await expectFiles(bed.destination.data, scopes.server.files);
    expect(await moves.objects()).toEqual(before);
    expect(await ownPods(bed.cluster, bed.destination.namespace)).toEqual([]);
    const kept = await execa("grep", ["-rh", "", join(source.dir, "logs/migrations")]);
    const shown = { printed: moves.printed(), kept: kept.stdout, processes: lines.join("\n") };
    expect(shown.kept).toContain(name);
    for (const [where, text] of Object.entries(shown)) {
      expect.soft(canariesIn(text, bed), where).toEqual([]);
    }
  });

  it("is not moved a second time when it is started again", async () => {
    const again = await moves.run(0, "--migrationType", "full", "-o", "json");
    expect(again.stderr).toContain("Done already");
    expect(stepsOf(again).every(({ attempts }) => attempts === 1)).toBe(true);
  });

  it("tells its status and report, and is verified again", async () => {
    const status = await moves.run(0, "status", "--name", name);
    expect(status.stdout).toContain(`Migration ${name}: done, exit code 0`);
    expect((await moves.run(0, "report")).stdout).toContain("done and verified");
    const verified = await moves.run(0, "verify");
    expect(verified.stdout).toMatch(/server +files +[1-9]\d* files, [1-9]\d* hashed +equal/);
    expect(await ownPods(bed.cluster, bed.destination.namespace)).toEqual([]);
  });

  it("refuses what only a source in a cluster has, and says what there is instead", async () => {
    for (const command of ["logs", "delete", "render"]) {
      const ran = await moves.run(2, command);
      expect(ran.stderr, command).toContain("the manager runs on this machine");
    }
    const quiesce = await moves.run(2, "--migrationType", "full", "--quiesce");
    expect(quiesce.stderr).toContain("Stop what writes into the folder");
  });

  it("is taken back from here, once it is meant", async () => {
    const looked = await moves.run(0, "undo", "-o", "json");
    const { done, counts } = JSON.parse(looked.stdout);
    expect(done).toBe(false);
    expect(counts.documents.removed).toBeGreaterThan(0);
    expect(counts.files.removed).toBeGreaterThan(0);
    const undone = await moves.run(0, "undo", "--yes", "-o", "json");
    expect(JSON.parse(undone.stdout)).toMatchObject({ done: true, counts });
    const again = await moves.run(0, "plan", "--migrationType", "full", "-o", "json");
    const [{ documents, files }] = JSON.parse(again.stdout).items;
    const verdicts = [...documents, files].map((one) => one.verdicts);
    expect(verdicts.every(({ identical, conflict }) => identical + conflict === 0)).toBe(true);
    expect(await ownPods(bed.cluster, bed.destination.namespace)).toEqual([]);
  });

  it("refuses the way back, from a cluster into a folder", async () => {
    const { source: from, destination } = JSON.parse(readFileSync(bed.network, "utf8"));
    describeSides({ source: destination, destination: from });
    const ran = await moves.run(2, "--migrationType", "full");
    expect(ran.stderr).toContain("cannot write to a folder of this machine");
  });
});
