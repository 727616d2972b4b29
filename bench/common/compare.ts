import type { Cost } from "./measure.ts";
import { type Goal, type Pair, type Row, rowsOf } from "./rows.ts";

/** One way to do the work. */
export interface Contender {
  name: string;
  /** Makes what the work begins with; not measured. */
  prepare?(): Promise<void>;
  run(): Promise<Cost>;
}

export interface Comparison {
  /** What is done, as the table names it. */
  name: string;
  ours: Contender;
  peer: Contender;
  rounds: number;
  goals: readonly Goal[];
  /** Proves what a contender has just done; throws where it is not what it must be. */
  check?(side: "ours" | "theirs"): Promise<void>;
  /** Asked in the end: what bounded it, for instance. */
  notes?(): string | undefined;
}

/** Runs us and the peer in turn, the other one first in every second round: a row for each goal. */
export async function compare(comparison: Comparison): Promise<Row[]> {
  const { name, ours, peer, rounds, goals } = comparison;
  const pairs: Pair[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    say(`${name}, round ${round} of ${rounds}`);
    const pair = await runPair(comparison, round % 2 === 1);
    say(`  ${ours.name} ${seconds(pair.ours)}, ${peer.name} ${seconds(pair.theirs)}`);
    pairs.push(pair);
  }
  const notes = comparison.notes?.();
  return rowsOf({ work: name, peer: peer.name, goals, ...(notes ? { notes } : {}) }, pairs);
}

async function runPair(comparison: Comparison, isOursFirst: boolean): Promise<Pair> {
  if (isOursFirst) {
    const ours = await runOne(comparison, "ours");
    return { ours, theirs: await runOne(comparison, "theirs") };
  }
  const theirs = await runOne(comparison, "theirs");
  return { ours: await runOne(comparison, "ours"), theirs };
}

async function runOne({ ours, peer, check }: Comparison, side: keyof Pair): Promise<Cost> {
  const contender = side === "ours" ? ours : peer;
  await contender.prepare?.();
  const cost = await contender.run();
  await check?.(side);
  return cost;
}

function seconds({ wallMs, cpuMs }: Cost): string {
  return `${(wallMs / 1000).toFixed(2)} s (${(cpuMs / 1000).toFixed(2)} s of CPU)`;
}

/** Progress is for people; only the result is on stdout. */
export function say(line: string) {
  process.stderr.write(`${line}\n`);
}
