import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Oracle } from "../fixtures/server/oracle.ts";
import { noCluster, testCluster } from "../support/cluster.ts";
import { type ClusterBed, makeBed } from "../support/cluster-bed.ts";
import { ownPods } from "../support/cluster-facts.ts";
import { expectFiles, type Moves, movesOf, unionOf } from "../support/cluster-moves.ts";
import { fillStandIn } from "../support/stand-in-release.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

const user = "mviuser1";

describe.skipIf(noCluster)("scopes and plans between two releases", () => {
  let bed: ClusterBed;
  let moves: Moves;
  let oracle: Oracle;
  let before: Awaited<ReturnType<Moves["objects"]>>;

  beforeAll(async () => {
    bed = await makeBed(testCluster(), { folder: makeDir() });
    ({ oracle } = await fillStandIn(bed.source, { server: "A", cases: "plain" }));
    moves = movesOf(bed);
    before = await moves.objects();
  });
  afterAll(async () => {
    await bed?.remove();
    if (bed !== undefined) removeTree(bed.folder);
  });

  async function expectUntouched() {
    expect(await moves.objects()).toEqual(before);
    for (const { namespace } of [bed.source, bed.destination]) {
      const left = () => ownPods(bed.cluster, namespace);
      await expect.poll(left, { timeout: 60_000 }).toEqual([]);
    }
  }

  it("plans from within a pod what there is to move, and leaves nothing", async () => {
    const ran = await moves.run(10, "plan", "--detailed-exitcode", "-o", "json");
    const { items } = JSON.parse(ran.stdout);
    expect(items).toHaveLength(1);
    const table = await moves.run(0, "plan", "--user", user);
    expect(table.stdout).toContain(user);
    await expectUntouched();
    expect(await moves.documents()).toEqual({});
    await expectFiles(bed.destination.data, {});
  });

  it("refuses the documents of a user whose files have not come", async () => {
    const ran = await moves.run(6, "--migrationType", "db", "--user", user, "--wait");
    expect(ran.stdout).toContain("not recorded as moved");
    expect(await moves.documents()).toEqual({});
  });

  it("moves a user's files, and then the documents, and nothing of others", async () => {
    const scope = ["--user", user, "--wait"];
    const expected = unionOf(oracle.scopes.users[user]!);
    await moves.run(0, "--migrationType", "files", ...scope);
    await expectFiles(bed.destination.data, expected.files);
    expect(await moves.documents()).toEqual({});
    await moves.run(0, "--migrationType", "db", ...scope);
    expect(await moves.documents()).toEqual(expected.documents);
    await expectFiles(bed.destination.data, expected.files);
  });

  it("moves a project group beside that, by the Deployment as it was first described", async () => {
    const group = oracle.projectGroups[0]!;
    const { users, projectGroups } = oracle.scopes;
    const expected = unionOf(users[user]!, projectGroups[group]!);
    const scope = ["--project-group", group, "--template", "classic"];
    await moves.run(0, "--migrationType", "full", ...scope, "--wait");
    expect(await moves.documents()).toEqual(expected.documents);
    await expectFiles(bed.destination.data, expected.files);
  });

  it("plans no change for what has come", async () => {
    const ran = await moves.run(0, "plan", "--user", user, "--detailed-exitcode");
    expect(ran.stdout).toContain(user);
  });
});
