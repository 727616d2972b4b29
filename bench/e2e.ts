import { join } from "node:path";
import { withBed } from "./cluster/bed.ts";
import { runBenchmark } from "./common/benchmark.ts";
import { compare, say } from "./common/compare.ts";
import { fillDocuments, requireSameDocuments } from "./e2e/documents.ts";
import { clearServer, makeScript, moveServer } from "./e2e/server.ts";
import { makeFiles, serverSet } from "./files/data.ts";
import { folder, requireSameFiles } from "./files/sides.ts";

const describe = `A whole server from one namespace of the test cluster into another: 100,000 files of 3 GB, and one
million documents. Ours is one command from its start to its end, in which all is compared before,
verified after, and recorded; the script runs rsync over ssh between the pods, then mongodump
--gzip, then mongorestore, and checks nothing.
`;

process.exitCode = await runBenchmark(
  {
    name: "e2e",
    describe,
    measure: ({ scale, rounds }) =>
      withBed(async (bed) => {
        say("Making the server");
        await makeFiles(join(bed.source.data, folder), serverSet(scale));
        await fillDocuments(bed, scale);
        const script = await makeScript(bed);
        const prepare = () => clearServer(bed);
        return await compare({
          name: "a whole server",
          ours: { name: "migctl start", prepare, run: () => moveServer(bed) },
          peer: { name: "rsync over ssh, mongodump, mongorestore", prepare, run: script },
          rounds,
          goals: [{ aspect: "wall", most: 0.6 }],
          async check() {
            await requireSameFiles(bed);
            await requireSameDocuments(bed);
          },
        });
      }),
  },
  process.argv.slice(2),
);
