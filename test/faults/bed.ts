import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { type RunningMongod, startMongod } from "../support/mongod.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";
import { type Lane, makeLane } from "./lane.ts";

/** What a run is tried with. */
interface Situation {
  name: string;
  occupied: boolean;
  /** Which operations are of interest; the rest is the same as in another situation. */
  points: RegExp;
}

const situations: readonly Situation[] = [
  { name: "an empty destination", occupied: false, points: /./ },
  {
    name: "a destination that holds other versions",
    occupied: true,
    points: /^(?:restore|findings|files|place|after)\./,
  },
];

/** One more than the processors of the machines that this is made for: a run waits for its disk half the time. */
const lanesAtOnce = 3;

export const enabled = { MIGCTL_ENABLE_FAILPOINTS: "1" };

/** The lanes of one situation, and what a run without any fault passes and ends with. */
export interface Tried {
  trace: string[];
  /** The exit code and the report of that run: every other one must come to the same. */
  end: unknown;
  report: unknown;
  withLane<T>(work: (lane: Lane) => Promise<T>): Promise<T>;
}

export interface Bed {
  tried: ReadonlyMap<Situation, Tried>;
  close(): Promise<void>;
}

export async function makeBed(): Promise<Bed> {
  const folder = makeDir();
  const source = await startMongod({ version: "6.0", auth: true });
  const destination = await startMongod({ version: "6.0", auth: true });
  const lanes: Lane[] = [];
  const tried = new Map<Situation, Tried>();
  for (const [at, situation] of situations.entries()) {
    const of = await makeLanes(
      { folder: join(folder, String(at)), source, destination },
      situation,
    );
    lanes.push(...of);
    tried.set(situation, await tryOut(of, situation, join(folder, `trace-${at}`)));
  }
  return {
    tried,
    async close() {
      for (const lane of lanes) await lane.close();
      await source.stop();
      await destination.stop();
      removeTree(folder);
    },
  };
}

interface Place {
  folder: string;
  source: RunningMongod;
  destination: RunningMongod;
}

async function makeLanes({ folder, ...servers }: Place, { occupied }: Situation): Promise<Lane[]> {
  const lanes: Lane[] = [];
  for (let number = 0; number < lanesAtOnce; number += 1) {
    const own = join(folder, String(number));
    mkdirSync(own, { recursive: true });
    const database = `${occupied ? "Occupied" : "Empty"}${number}`;
    lanes.push(await makeLane({ folder: own, database, occupied, ...servers }));
  }
  return lanes;
}

async function tryOut(lanes: Lane[], { points }: Situation, file: string): Promise<Tried> {
  const [lane] = lanes;
  if (lane === undefined) throw new Error("There is no lane");
  const { end, output } = await lane.manage({ ...enabled, MIGCTL_FAILPOINTS_TRACE: file });
  expect([0, 3], output).toContain(end);
  await lane.expectEqual();
  const report = lane.report();
  const trace = readFileSync(file, "utf8").trim().split("\n");
  rmSync(file);
  return {
    ...{ end, report, trace: trace.filter((point) => points.test(point)) },
    withLane: makePool(lanes),
  };
}

/** Hands each work a lane that no other one has. */
function makePool(lanes: Lane[]) {
  const free = [...lanes];
  const waiting: ((lane: Lane) => void)[] = [];
  return async function withLane<T>(work: (lane: Lane) => Promise<T>): Promise<T> {
    const lane = free.pop() ?? (await new Promise<Lane>((resolve) => waiting.push(resolve)));
    try {
      return await work(lane);
    } finally {
      const next = waiting.shift();
      if (next === undefined) free.push(lane);
      else next(lane);
    }
  };
}
