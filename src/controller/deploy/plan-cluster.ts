import { randomBytes } from "node:crypto";
import type { Application } from "../../config/application.ts";
import { type ClusterRequest, workDirOf } from "../../config/load.ts";
import { chooseOwnership } from "../../config/ownership-map.ts";
import { credentialsSecret } from "../../plan/inputs.ts";
import { makePlan } from "../../plan/make.ts";
import type { Plan } from "../../plan/plan.ts";
import { findExistingPod } from "../discover/existing-pod.ts";
import { refuseDowngrade } from "../discover/refuse-downgrade.ts";
import type { RenderInput } from "../render/input.ts";
import { planOptions, refuseUnscoped, scopesOf } from "../request.ts";
import { destinationEndpoint, refuseSamePlace, sourceEndpoint } from "./endpoints.ts";
import { type NamespaceSecurity, namespaceSecurity } from "./platform.ts";
import {
  type DestinationSeen,
  dataOf,
  imageOf,
  receiverInput,
  releaseOf,
} from "./receiver-input.ts";
import { resourcesOf } from "./resources.ts";
import { readSecretValues } from "./secret-values.ts";
import { type DiscoveredSides, discoverSides, type Sides, type SideTools } from "./sides.ts";

export interface PlannedCluster {
  plan: Plan;
  found: DiscoveredSides;
  /** What the migration's objects are rendered from; it holds the secrets. */
  render: RenderInput;
  security: { source: NamespaceSecurity; destination: NamespaceSecurity };
  warnings: string[];
}

/**
 * Finds both sides, checks that one can go into the other, and makes the plan and what its objects
 * are rendered from. Nothing is written.
 */
export async function planCluster(
  request: ClusterRequest,
  application: Application,
  sides: Sides,
  { signal, ...tools }: SideTools & { signal: AbortSignal },
): Promise<PlannedCluster> {
  refuseUnfit(request, application, sides);
  const needs = { needsDatabase: needsDatabase(request), signal };
  const found = await discoverSides(sides, application, needs);
  const [source, destination] = await Promise.all([
    namespaceSecurity(sides.source.cluster, found.source),
    namespaceSecurity(sides.destination.cluster, found.destination),
  ]);
  const seen = { sides, found, security: { source, destination } };
  return await planSeen(request, application, seen, tools);
}

/** Whether a request cannot do without the two databases. */
export function needsDatabase(request: ClusterRequest): boolean {
  const isWhole = scopesOf(request).every(({ kind }) => kind === "server");
  return request.migrationType !== "files" || !isWhole;
}

/** Throws what is wrong with a request before anything is asked for it. */
export function refuseUnfit(
  request: ClusterRequest,
  application: Application,
  { destination }: Sides,
) {
  refuseUnscoped(request, application, scopesOf(request));
  chooseOwnership(request, destination.config);
}

/** What was seen of both sides. */
export interface SeenSides {
  sides: Sides;
  found: DiscoveredSides;
  security: PlannedCluster["security"];
}

/** As `planCluster`, of a request that is fit and of what was found before. */
export async function planSeen(
  request: ClusterRequest,
  application: Application,
  { sides, found, security }: SeenSides,
  tools: SideTools,
): Promise<PlannedCluster> {
  refuseSamePlace(found.source, found.destination);
  refuseDowngrade(found.source, found.destination);
  const secret = await readSecretValues(sides, found, tools);
  const { config } = sides.destination;
  const ways = {
    transport: request.transport ?? config.transport ?? ("auto" as const),
    link: request.link ?? config.link ?? ("auto" as const),
  };
  const pod = await findExistingPod(sides.destination, found.destination, ways);
  const plan = makePlan({
    migrationType: request.migrationType,
    application,
    scopes: scopesOf(request),
    options: planOptions(request, security.destination.allowsRoot ? "preserve" : "inherit", config),
    source: sourceEndpoint(found.source),
    destination: destinationEndpoint(found.destination, {
      ...secret.login,
      ...ways,
      ...(pod === undefined ? {} : { pod }),
    }),
    workDir: workDirOf(found.source.mount.value, undefined),
    ...(request.name === undefined ? {} : { name: request.name }),
  });
  const warnings = [...found.source.warnings, ...found.destination.warnings];
  const render = renderInput({ request, plan, found, sides, security }, secret.values);
  return { plan, found, render, security, warnings };
}

interface Parts {
  request: ClusterRequest;
  plan: Plan;
  found: DiscoveredSides;
  sides: Sides;
  security: PlannedCluster["security"];
}

function renderInput(parts: Parts, values: Record<string, string>): RenderInput {
  const { request, plan, found, security } = parts;
  const { source } = found;
  const resources = resourcesOf(request);
  const pullSecret = request["image-pull-secret"];
  return {
    namespace: source.namespace.value,
    image: {
      ...imageOf(source, request.image, request.tag),
      ...(pullSecret === undefined ? {} : { pullSecret }),
    },
    data: dataOf(source),
    platform: security.source.platform,
    readsAsRoot: security.source.allowsRoot,
    ...(resources === undefined ? {} : { resources }),
    workload: request.workload,
    template: request.template,
    ownership: plan.options.ownership,
    release: releaseOf(source, plan),
    plan,
    ...(plan.destination.kind === "cluster" && plan.destination.receiver.kind === "own"
      ? { receiver: receiverInput(request, destinationOf(parts)) }
      : {}),
    credentials: { secret: credentialsSecret(plan), values },
    attempt: randomBytes(4).toString("hex"),
    rerun: request.rerun,
    ...(request["service-account"] === undefined
      ? {}
      : { serviceAccount: request["service-account"] }),
  };
}

function destinationOf({ found, sides, security }: Parts): DestinationSeen {
  const { config } = sides.destination;
  return { config, found: found.destination, security: security.destination };
}
