import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { BenchBed } from "../cluster/bed.ts";
import { say } from "../common/compare.ts";
import type { Cost } from "../common/measure.ts";
import { type Goal, type Row, rowsOf } from "../common/rows.ts";
import { type DataSet, makeFiles } from "./data.ts";
import { forget, migrate, type OurCost } from "./ours.ts";
import type { Peers } from "./peers.ts";
import { clearFiles, folder, requireSameFiles } from "./sides.ts";

interface Round {
  direct: OurCost;
  exec: OurCost;
  again: OurCost;
  rsyncExec: Cost;
  tarExec: Cost;
  rsyncSsh: Cost;
}

type Way = () => Promise<Partial<Round>>;

const wall = (most: number): Goal[] => [{ aspect: "wall", most }];

/** All ways, one after the other in each round, and the rows that follow. */
export async function compareWays(
  bed: BenchBed,
  peers: Peers,
  { set, rounds }: { set: DataSet; rounds: number },
): Promise<Row[]> {
  const source = join(bed.source.data, folder);
  say(`Making ${set.name}`);
  await makeFiles(source, set);
  const done: Round[] = [];
  for (let round = 1; round <= rounds; round++) {
    say(`${set.name}, round ${round} of ${rounds}`);
    done.push(await playRound(bed, peers, round));
  }
  await rm(source, { recursive: true });
  return rowsFor(set, done);
}

/** Every second round goes backwards, so that nobody is always the first. */
async function playRound(bed: BenchBed, peers: Peers, round: number): Promise<Round> {
  const ways: Way[] = [
    () => migrateFirstAndAgain(bed),
    async () => ({ rsyncExec: await equalAfter(bed, () => peers.rsyncExec(folder)) }),
    async () => ({ exec: await equalAfter(bed, () => migrate(bed, "exec")) }),
    async () => ({ tarExec: await equalAfter(bed, () => peers.tarExec(folder)) }),
    async () => ({ rsyncSsh: await equalAfter(bed, () => peers.rsyncSsh(folder)) }),
  ];
  const results: Partial<Round> = {};
  for (const way of round % 2 === 1 ? ways : ways.reverse()) {
    await clear(bed);
    Object.assign(results, await way());
  }
  await clear(bed);
  tell(results as Round);
  return results as Round;
}

async function migrateFirstAndAgain(bed: BenchBed) {
  const direct = await equalAfter(bed, () => migrate(bed, "direct"));
  const again = await equalAfter(bed, () => migrate(bed, "direct", "--rerun"));
  return { direct, again };
}

async function equalAfter<T>(bed: BenchBed, work: () => Promise<T>): Promise<T> {
  const result = await work();
  await requireSameFiles(bed);
  return result;
}

async function clear(bed: BenchBed) {
  await forget(bed);
  await clearFiles(bed);
}

function tell(round: Round) {
  const text = (cost: Cost) =>
    `${(cost.wallMs / 1000).toFixed(1)} s (CPU ${(cost.cpuMs / 1000).toFixed(1)} s, RSS ${Math.round(cost.peakRssBytes / 2 ** 20)} MiB)`;
  for (const [name, cost] of Object.entries(round)) {
    if (!("copied" in cost)) say(`  ${name}: ${text(cost)}`);
    else {
      say(`  ${name}: copied ${text(cost.copied)}, verified ${text(cost.verified)}`);
      say(`    ${JSON.stringify(cost.steps)}`);
    }
  }
}

function rowsFor({ name }: DataSet, rounds: readonly Round[]): Row[] {
  const rows = (work: string, peer: string, most: number, pick: (round: Round) => [Cost, Cost]) =>
    rowsOf(
      { work: `${name}, ${work}`, peer, goals: wall(most) },
      rounds.map((round) => {
        const [ours, theirs] = pick(round);
        return { ours, theirs };
      }),
    );
  return [
    ...rows("direct", "rsync over kubectl exec", 0.5, (r) => [r.direct.copied, r.rsyncExec]),
    ...rows("exec", "rsync over kubectl exec", 1, (r) => [r.exec.copied, r.rsyncExec]),
    ...rows("direct and verified", "tar over kubectl exec", 0.6, (r) => [
      r.direct.verified,
      r.tarExec,
    ]),
    ...rows("exec and verified", "tar over kubectl exec", 1.2, (r) => [r.exec.verified, r.tarExec]),
    ...rows("direct", "rsync over ssh between pods", 0.7, (r) => [r.direct.copied, r.rsyncSsh]),
    ...rows("nothing changed", "our first pass", 0.03, (r) => [
      r.again.verified,
      r.direct.verified,
    ]),
  ];
}
