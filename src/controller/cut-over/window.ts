import { MigrationError } from "../../core/errors.ts";
import { formatAbout } from "../../core/format.ts";
import type { CutOverEstimate } from "../../state/estimate.ts";

const named = 3;

/** Throws E_REFUSED unless the estimate is known to fit; without a window anything does. */
export function refuseOverWindow(estimate: CutOverEstimate, windowSeconds: number | undefined) {
  if (windowSeconds === undefined) return;
  const { seconds, parts, unknown } = estimate;
  const window = formatAbout(windowSeconds);
  const fields = { estimatedSeconds: seconds, windowSeconds, parts, unknown };
  if (seconds === undefined) {
    throw new MigrationError(
      "E_REFUSED",
      `Whether the cut-over fits into ${window} is not known: ${unknown.join("; ")}`,
      { hint: "Run --migrationType files first, or leave --window out", fields },
    );
  }
  if (seconds <= windowSeconds) return;
  const longest = [...parts].sort((one, other) => other.seconds - one.seconds).slice(0, named);
  const shown = longest.map(
    ({ step, scope, seconds: part, basis }) =>
      `${step} of "${scope}" ${formatAbout(part)} (${basis})`,
  );
  throw new MigrationError(
    "E_REFUSED",
    `The cut-over would take about ${formatAbout(seconds)}, longer than the window of ${window}; most of it ${shown.join(", ")}`,
    {
      hint: "Run --migrationType files again shortly before, move fewer users at once, or give it a longer --window",
      fields,
    },
  );
}
