import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { BenchBed } from "../cluster/bed.ts";
import { say } from "../common/compare.ts";
import type { Cost } from "../common/measure.ts";
import { type Goal, type Row, rowsOf } from "../common/rows.ts";
import { makeFiles } from "./data.ts";
import { forget, migrate } from "./ours.ts";
import { clearFiles, folder, requireSameFiles } from "./sides.ts";

interface Passes {
  first: Cost;
  second: Cost;
}

const goals: Goal[] = [
  { aspect: "wall", most: 11 },
  { aspect: "rss", most: 1.2 },
];

/** The number that is grown from, and how many times as many are then taken. */
const fewer = 100_000;
const times = 10;

export function growthName(scale: number): string {
  return `${Math.round(fewer * scale * times)} files`;
}

/** How time and memory grow with the number of files: their content is next to nothing. */
export async function measureGrowth(bed: BenchBed, scale: number): Promise<Row[]> {
  const few = await passesOf(bed, Math.round(fewer * scale));
  const many = await passesOf(bed, Math.round(fewer * scale * times));
  const peer = `ours with ${Math.round(fewer * scale)}`;
  const row = (pass: keyof Passes) =>
    rowsOf({ work: `${growthName(scale)}, ${pass} pass`, peer, goals }, [
      { ours: many[pass], theirs: few[pass] },
    ]);
  return [...row("first"), ...row("second")];
}

async function passesOf(bed: BenchBed, count: number): Promise<Passes> {
  const source = join(bed.source.data, folder);
  say(`Making ${count} files of 100 bytes`);
  await makeFiles(source, { name: "", batches: [{ count, bytes: 100 }] });
  await forget(bed);
  await clearFiles(bed);
  try {
    const first = await migrate(bed, "direct");
    const second = await migrate(bed, "direct", "--rerun");
    await requireSameFiles(bed);
    say(`  first ${first.verified.wallMs} ms, second ${second.verified.wallMs} ms`);
    return { first: first.verified, second: second.verified };
  } finally {
    await rm(source, { recursive: true, force: true });
  }
}
