import type { Application } from "../config/application.ts";
import { type ClusterRequest, loadClusterRequest } from "../config/load.ts";
import { loadApplication } from "../config/load-application.ts";
import { type ClusterDestinationConfig, isClusterSide } from "../config/network.ts";
import type { NetworkFlags } from "../config/network-overlay.ts";
import { type PlannedFolder, planFolder } from "../controller/deploy/plan-folder.ts";
import { openDestination, type Side } from "../controller/deploy/sides.ts";
import type { ManagerProgram } from "../controller/manager.ts";
import { MigrationError } from "../core/errors.ts";
import { type ClusterTools, withNetwork } from "./cluster.ts";
import type { CliContext } from "./context.ts";

/** A move of a folder of this machine into a cluster, planned, while its API is open. */
export interface FolderPlanned {
  request: ClusterRequest;
  planned: PlannedFolder;
  destination: Side<ClusterDestinationConfig>;
  /** Finds what it needs to log in to the destination, as long as the work is not done. */
  manager: ManagerProgram;
  tools: ClusterTools;
}

export interface FolderRequest {
  /** The network config. */
  file: string;
  flags: Record<string, unknown> & NetworkFlags;
  /** The one that the flags name, unless it is known already. */
  application?: Application;
}

export async function withFolderPlanned<T>(
  { file, flags, application: known }: FolderRequest,
  context: CliContext,
  work: (planned: FolderPlanned) => Promise<T>,
): Promise<T> {
  const request = loadClusterRequest(flags);
  refuseQuiesce(request);
  const application = known ?? (await loadApplication(request.application));
  return await withNetwork(file, flags, context, async (tools) => {
    const { source } = tools.network;
    if (isClusterSide(source)) throw new Error("The source is a cluster");
    const destination = await openDestination(tools.network, tools);
    const env = { ...context.manager.env, MIGCTL_GIVEN_FILES: tools.folder };
    const manager = { ...context.manager, env };
    const sides = { source, destination };
    const planned = await planFolder(request, application, sides, { ...tools, manager });
    return await work({ request, planned, destination, manager, tools });
  });
}

/** What writes into a folder of this machine is nothing that we could scale down. */
function refuseQuiesce({ quiesce, window }: ClusterRequest) {
  if (!quiesce && window === undefined) return;
  throw new MigrationError("E_USAGE", "Flag --quiesce needs a source in a cluster", {
    hint: "Stop what writes into the folder and its database yourself, then start without it",
  });
}
