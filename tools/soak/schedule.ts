import { numberBelow } from "../../test/fixtures/server/random.ts";

/** What is done to a migration; each has its object in faults.ts. */
export const faultKinds = [
  "manager killed",
  "manager stopped for seconds",
  "second manager",
  "source database killed",
  "destination database killed",
  "connections cut",
  "connections still",
  "destination volume full",
  "work volume full",
  "receiver killed",
  "receiver's streams cut",
] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface ScheduledFault {
  kind: FaultKind;
  /** Milliseconds since the fault before was over, in which the migration works. */
  after: number;
  /** Milliseconds until it is healed. */
  lasts: number;
}

/** How the destination's files are reached: as a folder, by our agent in a pod, in a pod of others. */
export const ways = ["folder", "agent directly", "agent through the API", "pod of others"] as const;
export type Way = (typeof ways)[number];

/** A manager that sleeps for longer than its lock is good for. */
export interface Sleep {
  /** Milliseconds of work before. */
  after: number;
  /** Milliseconds from the moment that it was followed. */
  lasts: number;
}

export interface Round {
  number: number;
  /** Tells its data from those of every other round and seed. */
  key: string;
  way: Way;
  scope: "server" | "users";
  compression: "deflate" | "store";
  onConflict: "keep-destination" | "overwrite";
  faults: ScheduledFault[];
  sleep?: Sleep;
}

const faultsInRound = 8;
/** A sleep takes longer than all else together. */
const roundsForOneSleep = 8;

/**
 * What is done in a round: it depends on nothing but the seed and the number, so that one round can
 * be repeated alone.
 */
export function scheduleRound(seed: string, number: number): Round {
  const below = (limit: number, ...what: (string | number)[]) =>
    numberBelow(limit, seed, "round", number, ...what);
  const pick = <T>(from: readonly [T, ...T[]], what: string): T =>
    from[below(from.length, what)] ?? from[0];
  const way = pick(ways, "way");
  const round: Round = {
    number,
    key: `${seed}/${number}`,
    way,
    scope: pick(["server", "users"], "scope"),
    compression: pick(["deflate", "store"], "compression"),
    onConflict: pick(["keep-destination", "overwrite"], "conflict"),
    faults: [],
  };
  if (below(roundsForOneSleep, "sleep") === 0) {
    const sleep = { after: 1000 + below(8000, "awake"), lasts: below(5000, "asleep") };
    return { ...round, sleep };
  }
  const possible = faultKinds.filter((kind) => way !== "folder" || !kind.startsWith("receiver"));
  const order = (kind: FaultKind) => below(2 ** 32, "order", kind);
  const kinds = possible.toSorted((a, b) => order(a) - order(b)).slice(0, faultsInRound);
  const faults = kinds.map((kind, at) => ({
    kind,
    after: 200 + below(3000, "after", at),
    lasts: 300 + below(2500, "lasts", at),
  }));
  return { ...round, faults };
}
