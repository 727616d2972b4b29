import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Oracle } from "../fixtures/server/oracle.ts";
import { noCluster, testCluster } from "../support/cluster.ts";
import { type ClusterBed, makeBed } from "../support/cluster-bed.ts";
import { type Moves, movesOf } from "../support/cluster-moves.ts";
import { expectedHashes } from "../support/migration.ts";
import { rsyncDifferences } from "../support/peers.ts";
import { readTree } from "../support/read-tree.ts";
import { fillStandIn } from "../support/stand-in-release.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

/** To make a device needs a capability that Pod Security's "baseline" withholds from us. */
function isLeftOut(type: string): boolean {
  return type === "socket" || type === "device";
}

describe.skipIf(noCluster)("a migration that keeps owners", () => {
  let bed: ClusterBed;
  let moves: Moves;
  let oracle: Oracle;

  beforeAll(async () => {
    const destination = { security: "baseline" } as const;
    bed = await makeBed(testCluster(), { folder: makeDir(), destination });
    ({ oracle } = await fillStandIn(bed.source, { server: "A", cases: "all" }));
    moves = movesOf(bed);
  });
  afterAll(async () => {
    await bed?.remove();
    if (bed !== undefined) removeTree(bed.folder);
  });

  it("ends with findings alone, as neither socket nor device can be carried", async () => {
    const ran = await moves.run(3, "--migrationType", "full", "--wait", "-o", "json");
    const { totals } = JSON.parse(ran.stdout);
    expect(totals.files).toMatchObject({ rejected: 2, conflict: 0, missing: 0 });
    expect(totals.documents).toMatchObject({ rejected: 0, conflict: 0 });
  });

  it("brings exactly the documents of the oracle, the odd ones as well", async () => {
    expect(await moves.documents()).toEqual(expectedHashes(oracle.scopes.server));
  });

  it("brings every file of the oracle with content, owner, mode, time, links and attributes", async () => {
    const found = await readTree(bed.destination.data);
    const files = Object.entries(oracle.scopes.server.files);
    for (const [path, fact] of files) {
      if (!isLeftOut(fact.type)) expect.soft(found[path], path).toEqual(fact);
    }
  });

  it("leaves nothing else for rsync to do", async () => {
    const exclude = ["/logs", "/._init", "/lost+found"];
    const left = await rsyncDifferences(bed.source.data, bed.destination.data, { exclude });
    expect(left.map((line) => line.replace(/ .*\//, " "))).toEqual([
      "cD+++++++++ device",
      "cS+++++++++ socket",
    ]);
  });
});
