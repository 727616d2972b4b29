import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";

/**
 * The sweep of faults: `npm run test:faults`, with `-- --all` for the whole of it, `--seed N` for
 * another tenth, `--only restore.afterBatch=kill@2` for one fault again. The last line is JSON.
 */
const { values } = parseArgs({
  options: {
    all: { type: "boolean", default: false },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
  },
});

interface Result {
  situation: string;
  fault: string;
  point: string;
  action: string;
  /** The exit code or signal of the run with the fault. */
  ended: string;
  survived: boolean;
}

const folder = mkdtempSync(join(tmpdir(), "migctl-faults-"));
const file = join(folder, "results.ndjson");
const { exitCode } = await execa("vitest", ["run", "--project", "faults"], {
  preferLocal: true,
  reject: false,
  stdout: process.stderr,
  stderr: process.stderr,
  env: {
    MIGCTL_FAULTS_RESULTS: file,
    MIGCTL_FAULTS_SEED: values.seed,
    ...(values.all ? { MIGCTL_FAULTS_ALL: "1" } : {}),
    ...(values.only === undefined ? {} : { MIGCTL_FAULTS_ONLY: values.only }),
  },
});
const results = existsSync(file) ? readResults(readFileSync(file, "utf8")) : [];
rmSync(folder, { recursive: true });
const lost = results.filter(({ survived }) => !survived);
for (const line of [...table(results), "", ...lost.map(repeating)]) print(line);
const { seed, all } = values;
print(JSON.stringify({ seed, all, faults: results.length, lost: lost.length }));
process.exitCode = exitCode === 0 && results.length > 0 && lost.length === 0 ? 0 : 1;

function readResults(text: string): Result[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

function table(rows: readonly Result[]): string[] {
  const areaOf = ({ situation, point }: Result) => `${situation}: ${point.split(".")[0]}`;
  const lines = [["where", "faults", "survived", "ended by the fault with"]];
  for (const [area, group] of Map.groupBy(rows, areaOf)) {
    const survived = group.filter((one) => one.survived).length;
    lines.push([area, String(group.length), String(survived), endsOf(group)]);
  }
  const widths = [0, 1, 2].map((column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function endsOf(group: readonly Result[]): string {
  const counts = Map.groupBy(group, ({ action, ended }) => `${action} ${ended}`);
  return [...counts].map(([what, { length }]) => `${what}: ${length}`).join(", ");
}

function repeating({ situation, fault }: Result): string {
  return `LOST with ${situation}: npm run test:faults -- --only '${fault}'`;
}

function print(line: string) {
  process.stdout.write(`${line}\n`);
}
