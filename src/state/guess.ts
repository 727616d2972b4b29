import type { Plan } from "../plan/plan.ts";
import type { StepKind } from "../plan/steps.ts";
import { lastDone, type Rate, secondsOf } from "./last-pass.ts";
import type { ItemStatus, Status } from "./status.ts";

/** What a step's time is guessed from. */
export interface Known {
  plan: Plan;
  pass: Status;
  item: ItemStatus;
  /** Where rates are looked for, the best first. */
  measured: readonly Status[];
}

export interface Guessed {
  seconds: number;
  /** What it is computed from. */
  basis: string;
}

export type Guess = Guessed | { unknown: string };

/** What looks at everything takes as long as it did. */
export function again(kind: StepKind, { item }: Known, otherwise?: number): Guess {
  const step = lastDone(item, kind);
  if (step !== undefined) return { seconds: secondsOf(step), basis: "as in the last pass" };
  if (otherwise !== undefined) return { seconds: otherwise, basis: "assumed" };
  return { unknown: "the last pass did not come so far" };
}

/** As fast as it went before. */
export function atRate(amount: number, rate: Rate, what: string): Guess {
  if (rate.amount === 0 || rate.seconds === 0) {
    return { unknown: `${amount} ${what}, and how fast that goes is not known` };
  }
  const perSecond = rate.amount / rate.seconds;
  return {
    seconds: amount / perSecond,
    basis: `${amount} ${what}, ${Math.round(perSecond)} each second in the last pass`,
  };
}
