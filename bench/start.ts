import { runBenchmark } from "./common/benchmark.ts";
import { say } from "./common/compare.ts";
import type { Cost } from "./common/measure.ts";
import { type BenchmarkOptions, isWanted } from "./common/options.ts";
import { costRow, type Row } from "./common/rows.ts";
import { makeBed } from "./start/bed.ts";

const describe = `What it takes to begin: processor time of migctl --help, and of migctl --status up to its first
request to the API of a cluster.`;

const mostCpuMs = 150;

async function measure(options: BenchmarkOptions): Promise<Row[]> {
  const bed = await makeBed();
  try {
    const rows: Row[] = [];
    for (const [work, run] of Object.entries(bed.works)) {
      if (!isWanted(work, options)) continue;
      const costs: Cost[] = [];
      for (let round = 1; round <= options.rounds; round += 1) costs.push(await run());
      say(`${work}: ${costs.map(({ cpuMs }) => `${cpuMs} ms`).join(", ")} of CPU`);
      rows.push(costRow(work, costs, mostCpuMs));
    }
    return rows;
  } finally {
    await bed.close();
  }
}

process.exitCode = await runBenchmark({ name: "start", describe, measure }, process.argv.slice(2));
