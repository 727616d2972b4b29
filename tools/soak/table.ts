import type { RoundResult } from "./play.ts";

/** What a soak came to. */
export interface Summary {
  seed: string;
  rounds: number;
  /** Runs that came to their end, each judged. */
  stages: number;
  looks: number;
  documents: number;
  files: number;
  seconds: number;
  faults: { kind: string; injected: number; survived: number }[];
  /** Rounds in which something was lost, or an invariant did not hold. */
  lost: number;
}

/** A fault counts as survived where nothing at all was wrong in its round. */
export function summarize(seed: string, results: readonly RoundResult[]): Summary {
  const all = results.flatMap(({ faults, violations }) =>
    faults.map((kind) => ({ kind, survived: violations.length === 0 })),
  );
  const sum = (of: (result: RoundResult) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  return {
    seed,
    rounds: results.length,
    stages: sum(({ stages }) => stages),
    looks: sum(({ looks }) => looks),
    documents: sum(({ documents }) => documents),
    files: sum(({ files }) => files),
    seconds: Math.round(sum(({ milliseconds }) => milliseconds) / 1000),
    faults: [...Map.groupBy(all, ({ kind }) => kind)]
      .map(([kind, group]) => ({
        kind,
        injected: group.length,
        survived: group.filter(({ survived }) => survived).length,
      }))
      .toSorted((a, b) => (a.kind < b.kind ? -1 : 1)),
    lost: results.filter(({ violations }) => violations.length > 0).length,
  };
}

/** As a page of docs takes it in. */
export function tableOf({ faults, ...summary }: Summary): string[] {
  const { seed, rounds, stages, documents, files, seconds, looks, lost } = summary;
  return [
    "| fault | injected | survived |",
    "|---|---|---|",
    ...faults.map(({ kind, injected, survived }) => `| ${kind} | ${injected} | ${survived} |`),
    "",
    `seed ${seed}: ${rounds} rounds, ${stages} runs to their end in ${seconds} s; moved ${documents} documents and ${files} files; looked ${looks} times; lost: ${lost}`,
  ];
}
