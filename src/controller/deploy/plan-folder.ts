import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Application } from "../../config/application.ts";
import { type ClusterRequest, workDirOf } from "../../config/load.ts";
import type { ClusterDestinationConfig, LocalSide } from "../../config/network.ts";
import { chooseOwnership } from "../../config/ownership-map.ts";
import type { KubeObject } from "../../kube/resource.ts";
import type { ClusterDestination } from "../../plan/endpoint.ts";
import { SourceFacts, type SourceRequest } from "../../plan/facts.ts";
import { givenFolder } from "../../plan/given-files.ts";
import { makePlan } from "../../plan/make.ts";
import type { Plan } from "../../plan/plan.ts";
import { discover } from "../discover/discover.ts";
import type { Discovered } from "../discover/discovered.ts";
import { findExistingPod } from "../discover/existing-pod.ts";
import { askManager, type ManagerProgram } from "../manager.ts";
import { credentialFile, podPaths } from "../render/pod-paths.ts";
import { renderReceiver } from "../render/receiver.ts";
import { planOptions, refuseUnscoped, scopesOf } from "../request.ts";
import { destinationEndpoint } from "./endpoints.ts";
import { needsDatabase } from "./plan-cluster.ts";
import { namespaceSecurity } from "./platform.ts";
import { type DestinationSeen, receiverInput, releaseOf } from "./receiver-input.ts";
import { readDestinationValues } from "./secret-values.ts";
import type { Side, SideTools } from "./sides.ts";

/** A folder of this machine, and the cluster that it is moved into. */
export interface FolderSides {
  source: LocalSide;
  destination: Side<ClusterDestinationConfig>;
}

export interface PlannedFolder {
  plan: Plan;
  found: Discovered;
  /** The pod that the manager makes; absent where one is there. */
  receiver: KubeObject | undefined;
  warnings: string[];
}

type Tools = SideTools & { signal: AbortSignal; manager: ManagerProgram };

/**
 * As `planCluster`, for a manager that runs on this machine. What it is given beside the plan, which
 * a pod would find mounted, is in the tools' folder afterwards; nothing else is written.
 */
export async function planFolder(
  request: ClusterRequest,
  application: Application,
  { source, destination }: FolderSides,
  tools: Tools,
): Promise<PlannedFolder> {
  const { config, cluster } = destination;
  refuseUnscoped(request, application, scopesOf(request));
  chooseOwnership(request, config);
  const [facts, found] = await Promise.all([
    askSource(request, application, source, tools),
    discover({
      ...{ side: "destination", config, cluster, application, signal: tools.signal },
      needsDatabase: request.migrationType !== "files",
    }),
  ]);
  const security = await namespaceSecurity(cluster, found);
  const fileOf = (key: string) => inFolder(tools, credentialFile(key));
  const secret = await readDestinationValues({ found, side: destination, tools, fileOf });
  const ways = waysOf(request, config);
  const pod = await findExistingPod(destination, found, ways);
  const { dir, identity } = facts.source;
  const plan = makePlan({
    migrationType: request.migrationType,
    application,
    scopes: scopesOf(request),
    options: planOptions(request, security.allowsRoot ? "preserve" : "inherit", config),
    source: { kind: "local", ...sideOf(source, application), dir, identity },
    destination: destinationEndpoint(found, {
      ...secret.login,
      ...ways,
      ...(pod === undefined ? {} : { pod }),
    }),
    workDir: workDirOf(dir, undefined),
    ...(request.name === undefined ? {} : { name: request.name }),
  });
  const seen = { config, found, security };
  const receiver = pod === undefined ? receiverOf(request, plan, seen) : undefined;
  for (const [key, text] of Object.entries(secret.values)) {
    await give(tools, credentialFile(key), text);
  }
  if (receiver !== undefined) await give(tools, podPaths.receiver, JSON.stringify(receiver));
  return { plan, found, receiver, warnings: [...facts.warnings, ...found.warnings] };
}

async function askSource(
  request: ClusterRequest,
  application: Application,
  source: LocalSide,
  { manager, signal }: Tools,
): Promise<SourceFacts> {
  const { migrationType } = request;
  const input: SourceRequest = {
    ...{ application, migrationType, scopes: scopesOf(request) },
    source: needsDatabase(request) ? sideOf(source, application) : { dir: source.dir },
  };
  const args = ["check", "--request", "-"];
  return await askManager(manager, { args, input, schema: SourceFacts, signal });
}

function sideOf({ dir, uriFile, database }: LocalSide, application: Application) {
  if (uriFile === undefined) return { dir };
  return { dir, database: { uriFile, database: database ?? application.database } };
}

function waysOf(
  request: ClusterRequest,
  config: ClusterDestinationConfig,
): Pick<ClusterDestination, "transport" | "link"> {
  return {
    transport: request.transport ?? config.transport ?? "auto",
    link: request.link ?? config.link ?? "auto",
  };
}

function receiverOf(request: ClusterRequest, plan: Plan, seen: DestinationSeen): KubeObject {
  const described = {
    ...{ plan, ownership: plan.options.ownership, release: releaseOf(seen.found, plan) },
    attempt: randomBytes(4).toString("hex"),
  };
  return renderReceiver(described, receiverInput(request, seen));
}

/** Of a file that a pod would find mounted. */
function inFolder({ folder }: Tools, path: string): string {
  return join(folder, path.slice(givenFolder.length));
}

async function give(tools: Tools, path: string, text: string) {
  const file = inFolder(tools, path);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, text, { mode: 0o600 });
}
