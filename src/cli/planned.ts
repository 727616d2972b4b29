import type { Application } from "../config/application.ts";
import { type ClusterRequest, loadClusterRequest } from "../config/load.ts";
import { loadApplication } from "../config/load-application.ts";
import { type PlannedCluster, planCluster } from "../controller/deploy/plan-cluster.ts";
import type { QuestionPorts } from "../controller/deploy/question.ts";
import { openSides, type Sides } from "../controller/deploy/sides.ts";
import { type ClusterTools, withNetwork } from "./cluster.ts";
import type { CliContext } from "./context.ts";

/** A request for a migration between clusters, planned, while both APIs are open. */
export interface Planned {
  request: ClusterRequest;
  sides: Sides;
  planned: PlannedCluster;
  tools: ClusterTools;
}

/** Plans what the flags ask for, and runs `work` with it. Nothing is written. */
export async function withPlanned<T>(
  file: string,
  flags: Record<string, unknown>,
  context: CliContext,
  work: (planned: Planned) => Promise<T>,
): Promise<T> {
  const request = loadClusterRequest(flags);
  return await withNetwork(file, flags, context, async (tools) =>
    work(await planWith(request, tools)),
  );
}

/** As `withPlanned`, where the network config has been read; for a known application or its own. */
export async function planWith(
  request: ClusterRequest,
  tools: ClusterTools,
  known?: Application,
): Promise<Planned> {
  const application = known ?? (await loadApplication(request.application));
  const sides = await openSides(tools.network, tools);
  const planned = await planCluster(request, application, sides, tools);
  return { request, sides, planned, tools };
}

/** What a pod that answers a question is made with. */
export function questionPorts(
  { request, sides, tools }: Pick<Planned, "request" | "sides" | "tools">,
  { out, clock }: CliContext,
): QuestionPorts {
  return {
    ...{ cluster: sides.source.cluster, clock, signal: tools.signal },
    startTimeoutSeconds: request["start-timeout"],
    onProblem: ({ message }) => out.note(message),
  };
}
