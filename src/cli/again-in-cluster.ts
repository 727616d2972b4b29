import type { z } from "zod";
import { loadClusterRequest } from "../config/load.ts";
import type { NetworkFlags } from "../config/network-overlay.ts";
import { askPod } from "../controller/deploy/pod-manager.ts";
import { withQuestionPod } from "../controller/deploy/question.ts";
import { refuseLiving } from "../controller/deploy/refuse-living.ts";
import { MigrationError } from "../core/errors.ts";
import type { Plan } from "../plan/plan.ts";
import { type ClusterTools, type Source, sourceOf, withNetwork } from "./cluster.ts";
import type { CliContext } from "./context.ts";
import { chooseMigration, migrationsOf, type Wanted } from "./find-in-cluster.ts";
import { type Planned, planWith, questionPorts } from "./planned.ts";
import { showLog } from "./verify-view.ts";
import { completeFromVolume } from "./volume-pod.ts";

/** Nobody waits longer for an answer. */
const longestSeconds = 7 * 24 * 3600;

/** What the manager is asked of a migration that was there before. */
export interface Earlier<T> {
  args: readonly string[];
  schema: z.ZodType<T>;
  /** What the pod does, for people. */
  says(name: string): string;
  /** Called once it was answered. */
  over?(source: Source, name: string): Promise<void>;
}

/** Has a short-lived pod beside the source's volume look at what an earlier migration brought. */
export async function inClusterAgain<T>(
  file: string,
  flags: Record<string, unknown> & NetworkFlags & Wanted,
  { args, schema, says, over }: Earlier<T>,
  context: CliContext,
): Promise<T> {
  return await withNetwork(file, flags, context, async (tools) => {
    const source = await sourceOf(tools);
    const earlier = await earlierPlan(flags, source, { tools, context });
    const { name, migrationType, application } = earlier;
    const request = loadClusterRequest({ ...flags, migrationType });
    const again = await planWith(request, tools, application);
    refuseOtherPlaces(earlier, again.planned.plan);
    const { render } = again.planned;
    const { out, progress } = context;
    out.note(`A pod in namespace "${render.namespace}" ${says(name)}`);
    const input = { ...render, ownership: earlier.options.ownership };
    const ports = { ...questionPorts(again, context), longestSeconds };
    const onLog = showLog(progress, out);
    const answer = await withQuestionPod(input, ports, (manager) =>
      askPod(manager, {
        ...{ args, input: onWayOf(earlier, again), schema },
        ...{ signal: tools.signal, onLog },
      }),
    );
    await over?.(source, name);
    return answer;
  });
}

async function earlierPlan(
  wanted: Wanted,
  source: Source,
  { tools, context }: { tools: ClusterTools; context: CliContext },
): Promise<Plan> {
  const all = await completeFromVolume(await migrationsOf(source), tools, context);
  const { name, plan } = chooseMigration(all, source, wanted);
  if (plan === undefined) {
    throw new MigrationError("E_NO_MIGRATION", `The plan of "${name}" is not in the namespace`, {
      hint: "Start it again with migctl start: it goes on with what is on the volume",
    });
  }
  await refuseLiving(source.cluster, source.namespace, name);
  return plan;
}

/** What was moved between two places says nothing of two others. */
export function refuseOtherPlaces(earlier: Plan, now: Plan) {
  for (const side of ["source", "destination"] as const) {
    if (volumeOf(earlier[side]) === volumeOf(now[side])) continue;
    throw new MigrationError(
      "E_REFUSED",
      `The migration "${earlier.name}" had another ${side} than the network config names`,
      { hint: "Name the network config that it was started with" },
    );
  }
}

function volumeOf(endpoint: Plan["source"] | Plan["destination"]): string {
  return endpoint.kind === "cluster" ? endpoint.cluster.claim.uid : endpoint.identity;
}

/** The plan as it was, by the log-in and the way that hold today. */
function onWayOf(earlier: Plan, { planned }: Planned): Plan {
  const { source, destination } = planned.plan;
  return { ...earlier, source, destination };
}
