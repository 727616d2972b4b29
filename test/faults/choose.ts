import { numberBelow } from "../fixtures/server/random.ts";

/** What is done to a run, and at which pass of which place. */
export interface Fault {
  point: string;
  pass: number;
  action: Action;
}

const actions = ["kill", "throw:EIO", "throw:ENOSPC"] as const;

type Action = (typeof actions)[number];

/** As `MIGCTL_FAILPOINTS` takes it. */
export function faultText({ point, pass, action }: Fault): string {
  return `${point}=${action}@${pass}`;
}

/**
 * Every action at every operation of a run. An operation is told by its name and how often that
 * came, not by its number in the run: what goes on at the same time has no certain order.
 */
export function allFaults(trace: readonly string[]): Fault[] {
  const passes = new Map<string, number>();
  return trace.flatMap((point) => {
    const pass = (passes.get(point) ?? 0) + 1;
    passes.set(point, pass);
    return actions.map((action) => ({ point, pass, action }));
  });
}

/**
 * A tenth of the operations, and each place at least once, with one action each: the same ones for
 * the same seed.
 */
export function chooseFaults(faults: readonly Fault[], seed: string): Fault[] {
  const order = (fault: Fault) => numberBelow(2 ** 32, seed, faultText(fault));
  const shuffled = faults.toSorted((a, b) => order(a) - order(b));
  const operations = firstOfEach(shuffled, ({ point, pass }) => `${point}@${pass}`);
  const places = firstOfEach(operations, ({ point }) => point);
  const rest = operations.filter((fault) => !places.includes(fault));
  return [...places, ...rest].slice(0, Math.max(places.length, operations.length / 10));
}

function firstOfEach(faults: readonly Fault[], key: (fault: Fault) => string): Fault[] {
  return [...Map.groupBy(faults, key).values()].flatMap(([first]) => first ?? []);
}
