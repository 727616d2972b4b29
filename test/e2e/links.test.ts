import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Oracle } from "../fixtures/server/oracle.ts";
import { noCluster, testCluster, uniqueName } from "../support/cluster.ts";
import { type ClusterBed, canaryPassword, makeBed } from "../support/cluster-bed.ts";
import {
  expectFiles,
  expectInherited,
  type Moves,
  movesOf,
  nameOf,
  namespaceUser,
} from "../support/cluster-moves.ts";
import { resultOf, statusOnVolume, stepOf, until } from "../support/cluster-run.ts";
import { insertBulk } from "../support/equal-data.ts";
import { expectedHashes } from "../support/migration.ts";
import { dbHash } from "../support/peers.ts";
import { fillStandIn } from "../support/stand-in-release.ts";
import { deployReplicaSet, type RunningReplicaSet } from "../support/stand-in-replica-set.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

/** What no migration moves; and TrainedModels, which one changes, is left out beside these. */
const neverMoved = "ServiceInfo Tokens SysUsers WebAPIs RegisteredApps DockerHostPorts".split(" ");

describe.skipIf(noCluster)("the ways to the destination", () => {
  let bed: ClusterBed;
  let set: RunningReplicaSet;
  let moves: Moves;
  let oracle: Oracle;

  beforeAll(async () => {
    const cluster = testCluster();
    const namespace = uniqueName("e2e-set");
    // What was made is removed also where the other one cannot be.
    const made = await Promise.allSettled([
      makeBed(cluster, { folder: makeDir() }).then((one) => {
        bed = one;
      }),
      deployReplicaSet(cluster, { namespace, password: canaryPassword }).then((one) => {
        set = one;
      }),
    ]);
    for (const one of made) if (one.status === "rejected") throw one.reason;
    ({ oracle } = await fillStandIn(bed.source, { server: "A", cases: "FC3,FC6" }));
    moves = movesOf(bed);
  });
  afterAll(async () => {
    await Promise.all([bed?.remove(), set?.remove()]);
    if (bed !== undefined) removeTree(bed.folder);
  });

  async function hashesOfSource() {
    const { adminUri, release } = bed.source;
    const { TrainedModels: _changed, ...all } = await dbHash(adminUri, release.database);
    for (const name of neverMoved) delete all[name];
    return all;
  }

  async function hashesOfSet() {
    const reply = await set.withPrimary((client) =>
      client.db(bed.source.release.database).command({ dbHash: 1 }),
    );
    const { TrainedModels: _changed, "system.views": _views, ...all } = reply["collections"];
    return all;
  }

  /** As if nothing had ever been moved. */
  async function forget(name: string) {
    await moves.run(0, "delete", "--name", name);
    const { data, uri, release } = bed.destination;
    await withClient(uri, (client) => client.db(release.database).dropDatabase());
    for (const user of ["admin", "masadmin", "mviuser1"]) {
      await rm(join(data, user), { recursive: true, force: true });
    }
    await rm(join(bed.source.data, "logs/migrations"), { recursive: true });
  }

  it.each([
    { transport: "exec", link: "port-forward" },
    { transport: "direct", link: "relay" },
    { transport: "auto", link: "direct" },
  ])("brings files by $transport and documents by $link", async ({ transport, link }) => {
    const ways = ["--transport", transport, "--link", link];
    const ran = await moves.run(0, "start", ...ways, "--wait", "-o", "json");
    const { documents, files } = oracle.scopes.server;
    expect(Object.keys(documents).length).toBeGreaterThan(10);
    expect(await moves.documents()).toEqual(expectedHashes(oracle.scopes.server));
    await expectFiles(bed.destination.data, files);
    await expectInherited(bed.destination.data, files, namespaceUser);
    const { stdout: log } = await moves.run(0, "logs");
    expect(log).toContain(`"link":"${link}"`);
    const byExec = log.includes("The receiver is reached through the API");
    const byPort = log.includes("The receiver is reached directly");
    expect({ byExec, byPort }).toEqual({
      byExec: transport === "exec",
      byPort: transport !== "exec",
    });
    await forget(nameOf(ran));
  });

  it("follows the primary of a replica set that only the destination's network knows", async () => {
    const ca = join(bed.folder, "database-ca.crt");
    const password = join(bed.folder, "database-password");
    await writeFile(ca, set.ca);
    await writeFile(password, canaryPassword, { mode: 0o600 });
    const database = [
      `name=${bed.source.release.database}`,
      `hosts={${hostsOf(set).join(",")}}`,
      ...["username=mas", `password.file=${password}`, "authSource=admin"],
      ...["replicaSet=mongo", `tls.ca.file=${ca}`],
    ];
    await insertBulk(bed.source, 15_000);
    const flags = database.flatMap((each) => ["--set", `destination.database.${each}`]);
    await moves.run(0, "start", "--name", "set", ...flags);
    const restore = () => stepOf(statusOnVolume(bed, "set"), "db-restore");
    await until("documents are restored", () => (restore()?.progress?.documents?.done ?? 0) > 0);
    await set.stepDown();
    expect(restore()?.state).toBe("running");
    await until("it ends", () => resultOf(bed, "set"));
    const report = await moves.run(0, "report", "--name", "set", "-o", "json");
    expect(JSON.parse(report.stdout)).toMatchObject({ state: "done", exitCode: 0 });
    expect(restore()).toMatchObject({ state: "done", attempts: 1 });
    expect(await hashesOfSet()).toEqual(await hashesOfSource());
  });
});

/** The members as the set itself names them. */
function hostsOf({ uri }: RunningReplicaSet): string[] {
  return /@([^@/]+)\//.exec(uri)?.[1]?.split(",") ?? [];
}

async function withClient<T>(uri: string, work: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = new MongoClient(uri);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
