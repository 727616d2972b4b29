import { MigrationError } from "../core/errors.ts";
import type { StepInputs } from "../plan/steps.ts";
import type { WorkerContext } from "./context.ts";
import { forecastDocuments } from "./forecast.ts";

/**
 * Looks for conflicts of documents before the first file is sent. Throws E_CONFLICT under the
 * policy `fail`.
 */
export async function compareDatabase(input: StepInputs["db-compare"], ctx: WorkerContext) {
  const collections = await forecastDocuments(input, ctx);
  const conflicts = collections.reduce((sum, { verdicts }) => sum + verdicts.conflict, 0);
  if (conflicts === 0 || input.onConflict !== "fail") return { collections };
  const examples = collections.flatMap(({ collection, examples: found }) =>
    found.map((example) => ({ collection, example })),
  );
  throw new MigrationError(
    "E_CONFLICT",
    `${conflicts} documents clash with the destination's, and --on-conflict is fail`,
    {
      hint: "See migctl plan, then choose another policy or change the destination",
      fields: { examples: examples.slice(0, 10) },
    },
  );
}
