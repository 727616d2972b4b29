import { runBenchmark } from "./common/benchmark.ts";
import { compare } from "./common/compare.ts";
import type { Cost } from "./common/measure.ts";
import { type BenchmarkOptions, isWanted } from "./common/options.ts";
import { limitRow, type Row } from "./common/rows.ts";
import { makeBed } from "./db/bed.ts";
import { makeWorks } from "./db/works.ts";

const describe = `Documents from one MongoDB 6.0 into another, ours beside mongodump and mongorestore: 925 MB, 1.4
million documents in three shapes. What arrived is compared in the same run.`;

const mostRssBytes = 256 * 2 ** 20;
const memory = "the memory of our programs, in all of them";

async function measure(options: BenchmarkOptions): Promise<Row[]> {
  const bed = await makeBed(options.scale);
  try {
    const costs: Cost[] = [];
    const rows: Row[] = [];
    for (const work of makeWorks(bed, costs)) {
      if (!isWanted(work.name, options)) continue;
      rows.push(...(await compare({ ...work, rounds: options.rounds })));
    }
    return costs.length === 0 ? rows : [...rows, limitRow(memory, costs, mostRssBytes)];
  } finally {
    await bed.close();
  }
}

process.exitCode = await runBenchmark({ name: "db", describe, measure }, process.argv.slice(2));
