import { askPod } from "../controller/deploy/pod-manager.ts";
import { withQuestionPod } from "../controller/deploy/question.ts";
import { type ExitCode, exitCodes } from "../core/errors.ts";
import { Forecast } from "../plan/forecast.ts";
import type { CliContext } from "./context.ts";
import { estimateOf } from "./cut-over.ts";
import { migrationsOf } from "./find-in-cluster.ts";
import { hasChanges, printForecast } from "./forecast-view.ts";
import { questionPorts, withPlanned } from "./planned.ts";

/** Has a short-lived pod look at both sides, and shows what would be moved. */
export async function planInCluster(
  file: string,
  flags: Record<string, unknown>,
  context: CliContext,
): Promise<ExitCode> {
  const { out, format } = context;
  return await withPlanned(file, flags, context, async (planned) => {
    const { signal } = planned.tools;
    const { plan, found, render, warnings } = planned.planned;
    const ports = questionPorts(planned, context);
    out.note(`A pod in namespace "${render.namespace}" looks at both sides`);
    const forecast = await withQuestionPod(render, ports, (manager) =>
      askPod(manager, {
        args: ["forecast", "--plan", "-"],
        input: plan,
        schema: Forecast,
        signal,
      }),
    );
    const facts = { source: {}, destination: {}, warnings };
    const source = { ...planned.sides.source, namespace: render.namespace };
    const cutOver = estimateOf(plan, await migrationsOf(source));
    if (format === "table") printForecast({ plan, facts, forecast, cutOver }, out);
    else out.data({ plan, found, ...forecast, cutOver }, format);
    const isDifferent = flags["detailed-exitcode"] === true && hasChanges(forecast);
    return isDifferent ? exitCodes.changesFound : exitCodes.done;
  });
}
