import { formatAbout } from "../core/format.ts";
import type { Plan } from "../plan/plan.ts";
import { stepsOf } from "../plan/step-order.ts";
import { type CutOverEstimate, estimateCutOver } from "./estimate.ts";
import type { Status } from "./status.ts";

/** The estimate as a sentence; undefined where there is none. */
export function estimateText({ seconds, files, documents }: CutOverEstimate): string | undefined {
  if (seconds === undefined) return undefined;
  const parts = `final pass about ${formatAbout(files)}, database about ${formatAbout(documents)}`;
  return `A cut-over takes about ${formatAbout(seconds)}, as the last pass says: ${parts}`;
}

/** The same for the cut-over that a pass over the files alone prepares. */
export function estimateAfter(pass: Status, plan: Plan): CutOverEstimate {
  const steps = stepsOf({ migrationType: "full", options: plan.options });
  const items = plan.items.map((item) => ({ ...item, steps }));
  return estimateCutOver(pass, { ...plan, migrationType: "full", items });
}
