import { randomBytes } from "node:crypto";
import type { Application } from "../../config/application.ts";
import { type ClusterRequest, workDirOf } from "../../config/load.ts";
import { chooseOwnership } from "../../config/ownership-map.ts";
import { programVersion } from "../../core/version.ts";
import { makePlan } from "../../plan/make.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Discovered } from "../discover/discovered.ts";
import { refuseDowngrade } from "../discover/refuse-downgrade.ts";
import { imageFor } from "../image/name.ts";
import type { ReceiverInput, RenderInput } from "../render/input.ts";
import { planOptions, refuseUnscoped, scopesOf } from "../request.ts";
import { destinationEndpoint, receiverPort, refuseSamePlace, sourceEndpoint } from "./endpoints.ts";
import { type NamespaceSecurity, namespaceSecurity } from "./platform.ts";
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
  const scopes = scopesOf(request);
  refuseUnscoped(request, application, scopes);
  chooseOwnership(request, sides.destination.config);
  const isWhole = scopes.every(({ kind }) => kind === "server");
  const needsDatabase = request.migrationType !== "files" || !isWhole;
  const found = await discoverSides(sides, application, { needsDatabase, signal });
  refuseSamePlace(found.source, found.destination);
  refuseDowngrade(found.source, found.destination);
  const security = {
    source: await namespaceSecurity(sides.source.cluster, found.source),
    destination: await namespaceSecurity(sides.destination.cluster, found.destination),
  };
  const secret = await readSecretValues(sides, found, tools);
  const { config } = sides.destination;
  const plan = makePlan({
    migrationType: request.migrationType,
    application,
    scopes,
    options: planOptions(request, security.destination.allowsRoot ? "preserve" : "inherit", config),
    source: sourceEndpoint(found.source),
    destination: destinationEndpoint(found.destination, {
      ...secret.login,
      transport: request.transport ?? config.transport ?? "auto",
      link: request.link ?? config.link ?? "auto",
      ...(config.pod === undefined
        ? {}
        : { pod: { name: config.pod, container: config.container } }),
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
      ? { receiver: receiverInput(parts) }
      : {}),
    credentials: { secret: `${plan.name}-credentials`, values },
    attempt: randomBytes(4).toString("hex"),
    rerun: request.rerun,
    ...(request["service-account"] === undefined
      ? {}
      : { serviceAccount: request["service-account"] }),
  };
}

function receiverInput({ request, found, sides, security }: Parts): ReceiverInput {
  const { destination } = found;
  const { config } = sides.destination;
  const image = request["destination-image"] ?? config.image ?? request.image;
  return {
    namespace: destination.namespace.value,
    image: {
      ...imageOf(destination, image, request.tag),
      ...(config.imagePullSecret === undefined ? {} : { pullSecret: config.imagePullSecret }),
    },
    data: dataOf(destination),
    platform: security.destination.platform,
    port: receiverPort,
  };
}

function imageOf(
  { architectures = ["amd64"] }: Discovered,
  image: string | undefined,
  tag: string | undefined,
): RenderInput["image"] {
  const [architecture = "amd64"] = architectures;
  const name = imageFor({
    architecture,
    version: programVersion,
    ...(image === undefined ? {} : { image }),
    ...(tag === undefined ? {} : { tag }),
  });
  return { name, architectures: [architecture] as RenderInput["image"]["architectures"] };
}

function dataOf({ claim, subPath, mount }: Discovered): RenderInput["data"] {
  return {
    claim: claim.value.name,
    ...(subPath.value === "" ? {} : { subPath: subPath.value }),
    mountPath: mount.value,
    ...(claim.value.node === undefined ? {} : { node: claim.value.node }),
  };
}

/** The short name of a release of MVI is what its objects bear as `app`. */
function releaseOf({ release, chart }: Discovered, plan: Plan): RenderInput["release"] {
  return {
    name: release.value,
    ...(chart === undefined ? {} : { chart: chart.value }),
    app: plan.application.cluster?.app ?? plan.application.application,
  };
}
