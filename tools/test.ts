import { execa } from "execa";

/**
 * All tests: `npm test`. Those of the cluster run beside the others: each waits much of its time.
 * The last line is the sum: "N passed, N failed" (", N skipped" may follow).
 */
const lanes = {
  machine: ["unit", "integration", "faults"],
  cluster: ["e2e"],
};

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const counted = await Promise.all(
  Object.entries(lanes).map(([lane, projects]) => runLane(lane, projects)),
);
const sum = counted.reduce((one, other) => ({
  passed: one.passed + other.passed,
  failed: one.failed + other.failed,
  skipped: one.skipped + other.skipped,
}));
const tail = sum.skipped > 0 ? `, ${sum.skipped} skipped` : "";
process.stdout.write(`\n${sum.passed} passed, ${sum.failed} failed${tail}\n`);
process.exitCode = sum.failed === 0 ? 0 : 1;

/** A lane that ends without its counts, or with an error beside them, has one failure more. */
async function runLane(lane: string, projects: readonly string[]): Promise<Counts> {
  let counts: Counts | undefined;
  function* named(line: string) {
    counts = countsOf(line) ?? counts;
    yield line === "" ? line : `${lane} | ${line}`;
  }
  const args = ["run", ...projects.flatMap((project) => ["--project", project])];
  const { exitCode } = await execa("vitest", args, {
    preferLocal: true,
    reject: false,
    buffer: false,
    stdin: "ignore",
    stdout: [named, "inherit"],
    stderr: "inherit",
  });
  const { passed, failed, skipped } = counts ?? { passed: 0, failed: 0, skipped: 0 };
  const isWhole = exitCode === 0 || failed > 0;
  return { passed, failed: counts !== undefined && isWhole ? failed : failed + 1, skipped };
}

/** What test/support/count-reporter.ts ends a run with. */
function countsOf(line: string): Counts | undefined {
  const found = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/.exec(line);
  if (found === null) return undefined;
  const [passed = 0, failed = 0, skipped = 0] = found.slice(1).map((text) => Number(text ?? 0));
  return { passed, failed, skipped };
}
