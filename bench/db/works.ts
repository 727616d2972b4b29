import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Comparison, Contender } from "../common/compare.ts";
import { type Cost, cpuMsOf, inSum } from "../common/measure.ts";
import { median } from "../common/rows.ts";
import { type Bed, dropDestination } from "./bed.ts";
import { type Changes, changeDestination } from "./changes.ts";
import { requireArchive, requireCounts, requireDump, requireEqual, requireSame } from "./check.ts";
import { makeOurs } from "./ours.ts";
import { makePeers } from "./peers.ts";

export type Work = Omit<Comparison, "rounds">;

interface Sides {
  ours: Pick<Contender, "prepare" | "run">;
  peer: Contender;
}

/** Every piece of work of this benchmark; what ours cost in any of them goes into `costs`. */
export function makeWorks(bed: Bed, costs: Cost[]): Work[] {
  const bench = { bed, ours: makeOurs(bed), peers: makePeers(bed), costs };
  return [
    backup(bench, { name: "backup, stored", compression: "store", wall: 1 }),
    backup(bench, { name: "backup, compressed", compression: "deflate", wall: 0.45, size: 1.12 }),
    restore(bench),
    migration(bench),
    restoreAgain(bench),
    migrationAgain(bench),
    restoreDifferences(bench),
    verification(bench),
  ];
}

interface Bench {
  bed: Bed;
  ours: ReturnType<typeof makeOurs>;
  peers: ReturnType<typeof makePeers>;
  costs: Cost[];
}

interface BackupGoal {
  name: string;
  compression: "store" | "deflate";
  wall: number;
  size?: number;
}

function backup({ bed, ours, peers, costs }: Bench, goal: BackupGoal): Work {
  const { compression, wall, size } = goal;
  const isPacked = compression === "deflate";
  const name = isPacked ? "mongodump --gzip" : "mongodump into a folder";
  return {
    name: goal.name,
    goals: [
      { aspect: "wall", most: wall },
      ...(size === undefined ? [] : [{ aspect: "size", most: size } as const]),
    ],
    ...withServers(bed, costs, {
      ours: { run: () => ours.backup(compression) },
      peer: { name, run: () => peers.dump(isPacked) },
    }),
    async check(side) {
      if (side === "ours") await requireArchive(bed, ours.archiveOf(compression));
      else requireDump(bed, peers.folderOf(isPacked));
    },
  };
}

function restore({ bed, ours, peers, costs }: Bench): Work {
  return {
    name: "restore into an empty destination, with indexes",
    goals: [
      { aspect: "wall", most: 0.8 },
      { aspect: "rss", most: 0.4 },
    ],
    ...withServers(bed, costs, {
      ours: {
        async prepare() {
          await ours.ensure("store");
          await dropDestination(bed);
        },
        run: () => ours.restore("store"),
      },
      peer: {
        name: "mongorestore",
        async prepare() {
          await peers.ensure(false);
          await dropDestination(bed);
        },
        run: () => peers.restore(false),
      },
    }),
    check: () => requireEqual(bed),
  };
}

function migration({ bed, ours, peers, costs }: Bench): Work {
  return {
    name: "backup and restore of one migration, with --overlap and verification",
    goals: [{ aspect: "wall", most: 0.5 }],
    ...withServers(bed, costs, {
      ours: {
        async prepare() {
          ours.forgetMigrations();
          await dropDestination(bed);
        },
        run: () => ours.migrate(),
      },
      peer: {
        name: "mongodump --gzip, then mongorestore --gzip",
        prepare: () => dropDestination(bed),
        run: async () => inSum([await peers.dump(true), await peers.restore(true)]),
      },
    }),
    check: () => requireEqual(bed),
  };
}

function restoreAgain(bench: Bench): Work {
  const { bed, ours, peers, costs } = bench;
  return {
    name: "restore again, all documents there",
    goals: [{ aspect: "wall", most: 0.1 }],
    ...withServers(bed, costs, {
      ours: { prepare: () => ensureFull(bench), run: () => ours.restore("store") },
      peer: {
        name: "mongorestore again",
        async prepare() {
          await peers.ensure(false);
          await ensureFull(bench);
        },
        run: () => peers.restore(false),
      },
    }),
    check: () => requireEqual(bed),
  };
}

/** The whole of it: ours also reads the source again, packs it and verifies each document. */
function migrationAgain(bench: Bench): Work {
  const { bed, ours, peers, costs } = bench;
  return {
    name: "the same migration again, from the backup to the verification",
    goals: [{ aspect: "wall", most: 0.5 }],
    ...withServers(bed, costs, {
      ours: {
        async prepare() {
          if (!ours.hasMigrated()) {
            await dropDestination(bed);
            await ours.migrate();
          }
          await ensureFull(bench);
        },
        run: () => ours.migrateAgain(),
      },
      peer: {
        name: "mongodump --gzip, then mongorestore --gzip again",
        prepare: () => ensureFull(bench),
        run: async () => inSum([await peers.dump(true), await peers.restore(true)]),
      },
    }),
    check: () => requireEqual(bed),
  };
}

function restoreDifferences(bench: Bench): Work {
  const { bed, ours, peers, costs } = bench;
  let changes: Changes = { removed: 0, changed: {} };
  let reports = "";
  async function prepare() {
    await peers.ensure(false);
    await ensureFull(bench);
    changes = await changeDestination(bed);
  }
  return {
    name: "restore again, one tenth missing, one in a thousand different",
    goals: [{ aspect: "wall", most: 0.2 }],
    ...withServers(bed, costs, {
      ours: {
        prepare,
        async run() {
          const restored = await ours.restore("store");
          reports = restored.reports;
          return restored;
        },
      },
      peer: { name: "mongorestore again", prepare, run: () => peers.restore(false) },
    }),
    async check(side) {
      await requireCounts(bed);
      // What differs is left as it was by both, but only ours says which documents these are.
      if (side === "ours") requireSame("listed differences", listed(reports), changes.changed);
      await dropDestination(bed);
    },
  };
}

function listed(reports: string): Changes["changed"] {
  const found: Changes["changed"] = {};
  const lines = readFileSync(join(reports, "conflicts.ndjson"), "utf8").split("\n");
  for (const line of lines.filter((text) => text !== "")) {
    const { collection, id } = JSON.parse(line);
    found[collection] = [...(found[collection] ?? []), id].sort();
  }
  return found;
}

function verification(bench: Bench): Work {
  const { bed, ours, costs } = bench;
  return {
    name: "verify every document, both sides read",
    goals: [{ aspect: "wall", most: 0.35 }],
    ...withServers(bed, costs, {
      ours: { prepare: () => ensureFull(bench), run: () => ours.verify("store") },
      peer: {
        name: "our own restore",
        async prepare() {
          await ours.ensure("store");
          await dropDestination(bed);
        },
        run: () => ours.restore("store"),
      },
    }),
    check: () => requireEqual(bed),
  };
}

/** Our own restore is the faster one to get there. */
async function ensureFull({ bed, ours }: Bench): Promise<void> {
  await ours.ensure("store");
  try {
    await requireEqual(bed);
  } catch {
    await dropDestination(bed);
    await ours.restore("store");
  }
}

/** Notes what ours cost, and what the two servers cost meanwhile: they often are what bounds it. */
function withServers(bed: Bed, costs: Cost[], { ours, peer }: Sides) {
  const taken = { ours: [] as number[], theirs: [] as number[] };
  const serversMs = () => cpuMsOf(bed.source.pid) + cpuMsOf(bed.destination.pid);
  async function watch(side: keyof typeof taken, run: () => Promise<Cost>): Promise<Cost> {
    const before = serversMs();
    const cost = await run();
    taken[side].push(serversMs() - before);
    if (side === "ours") costs.push(cost);
    return cost;
  }
  const seconds = (side: keyof typeof taken) => `${(median(taken[side]) / 1000).toFixed(1)} s`;
  return {
    ours: { ...ours, name: "ours", run: () => watch("ours", ours.run) },
    peer: { ...peer, run: () => watch("theirs", peer.run) },
    notes: () =>
      `the two mongod took ${seconds("ours")} of CPU for ours, ${seconds("theirs")} for the peer's`,
  };
}
