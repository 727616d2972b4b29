import { MigrationError } from "../../core/errors.ts";
import type { Found, SideName } from "./discovered.ts";

/** What is looked for, and where people choose it. */
export interface Wanted {
  side: SideName;
  namespace: string;
  /** In the plural: "releases". */
  what: string;
  /** Its field of the network config: "release", "database.service". */
  field: string;
}

/** More than one was found: who can ask, asks which one is meant. */
export class ChoiceNeeded extends MigrationError {
  readonly wanted: Wanted;
  readonly candidates: readonly Found<string>[];

  constructor(wanted: Wanted, candidates: readonly Found<string>[]) {
    const { side, namespace, what } = wanted;
    const count = new Set(candidates.map(({ value }) => value)).size;
    super("E_DISCOVERY", `There are ${count} ${what} in the ${side}'s namespace "${namespace}"`, {
      hint: `Choose one with ${flagOf(wanted)}`,
      fields: { problems: listed(candidates) },
    });
    this.wanted = wanted;
    this.candidates = candidates;
  }
}

/**
 * The only value that was told, with who told it first; undefined where none was. Several are an
 * E_DISCOVERY that lists them: a guess could be another release's.
 */
export function onlyOne(candidates: readonly Found<string>[], wanted: Wanted) {
  const [first] = candidates;
  const values = new Set(candidates.map(({ value }) => value));
  if (values.size <= 1) return first;
  throw new ChoiceNeeded(wanted, candidates);
}

function listed(candidates: readonly Found<string>[]): string[] {
  const by = Map.groupBy(candidates, ({ value }) => value);
  return [...by].map(([value, told]) => `${value}: ${told.map(({ from }) => from).join(", ")}`);
}

/** The flag that gives a field of the network config. */
export function flagOf({ side, field }: Pick<Wanted, "side" | "field">, value = "NAME"): string {
  return `--set ${side}.${field}=${value}`;
}

export const byConfig = "the network config";
