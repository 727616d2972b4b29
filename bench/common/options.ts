import { parseArgs } from "node:util";

export interface BenchmarkOptions {
  rounds: number;
  /** Only the works whose name holds this. */
  only: string | undefined;
  scale: number;
  strict: boolean;
  help: boolean;
}

export const optionsHelp = `
  --rounds N    how often both sides do each work in turn; 5 unless said otherwise
  --only TEXT   only the works whose name holds this
  --scale N     a share of the data, such as 0.1, for trying; the goals speak of 1
  --strict      exit with 1 where a goal is missed
  --help        this text

The table comes last on stdout, and after it one line of JSON with all of it.`;

/** The command line of every benchmark; throws where it is wrong. */
export function readOptions(args: readonly string[]): BenchmarkOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "5" },
      only: { type: "string" },
      scale: { type: "string", default: "1" },
      strict: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const rounds = Number(values.rounds);
  const scale = Number(values.scale);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds is a number from 1 on");
  if (!(scale > 0 && scale <= 1)) throw new Error("--scale is a number above 0 and at most 1");
  const { only, strict, help } = values;
  return { rounds, only, scale, strict, help };
}

/** Whether a work of this name was asked for. */
export function isWanted(work: string, { only }: Pick<BenchmarkOptions, "only">): boolean {
  return only === undefined || work.toLowerCase().includes(only.toLowerCase());
}
