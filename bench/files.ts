import { withBed } from "./cluster/bed.ts";
import { runBenchmark } from "./common/benchmark.ts";
import { isWanted } from "./common/options.ts";
import type { Row } from "./common/rows.ts";
import { dataSets } from "./files/data.ts";
import { growthName, measureGrowth } from "./files/growth.ts";
import { openPeers } from "./files/peers.ts";
import { compareWays } from "./files/rounds.ts";

const describe = `Files from one pod into another: ours, by both transports, and what people use instead.

What counts of ours is the time from the beginning of the inventory to the end of the copy; where
the row says verified, to the end of the verification, which compares sizes, times, attributes and
SHA-256 of all that was written. Ours and the peers all end with what they wrote on the disk.
Processor time is that of the pods, of the command, and of the API server, kubelet and container
runtime, which carry what goes through the API; RSS is the largest of a single process.
`;

process.exitCode = await runBenchmark(
  {
    name: "files",
    describe,
    async measure(options) {
      const sets = dataSets(options.scale).filter(({ name }) => isWanted(name, options));
      return await withBed(async (bed) => {
        const peers = await openPeers(bed);
        const rows: Row[] = [];
        for (const set of sets) {
          rows.push(...(await compareWays(bed, peers, { set, rounds: options.rounds })));
        }
        // One round: ten times as many files take their time.
        const { scale } = options;
        if (isWanted(growthName(scale), options)) rows.push(...(await measureGrowth(bed, scale)));
        return rows;
      });
    },
  },
  process.argv.slice(2),
);
