import { type BenchmarkOptions, optionsHelp, readOptions } from "./options.ts";
import { lastLineOf, tableOf } from "./print.ts";
import type { Row } from "./rows.ts";

export interface BenchmarkDefinition {
  name: string;
  describe: string;
  measure(options: BenchmarkOptions): Promise<Row[]>;
}

/** Runs a benchmark as the command line asks and prints its rows; gives the exit code. */
export async function runBenchmark(
  { name, describe, measure }: BenchmarkDefinition,
  args: readonly string[],
  print = (line: string) => console.log(line),
): Promise<number> {
  const options = readOptions(args);
  if (options.help) {
    print(`npm run bench:${name} [-- flags]\n\n${describe}\n${optionsHelp}`);
    return 0;
  }
  const rows = await measure(options);
  if (rows.length === 0) throw new Error(`No work's name holds "${options.only}"`);
  const { scale, strict } = options;
  if (scale < 1) print(`With ${scale} of the data only: the goals speak of all of it.`);
  for (const line of tableOf(rows)) print(line);
  print(lastLineOf({ name, scale }, rows));
  return strict && rows.some(({ met }) => !met) ? 1 : 0;
}
