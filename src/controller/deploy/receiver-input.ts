import type { ClusterRequest } from "../../config/load.ts";
import type { ClusterDestinationConfig } from "../../config/network.ts";
import { programVersion } from "../../core/version.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Discovered } from "../discover/discovered.ts";
import { imageFor } from "../image/name.ts";
import type { ReceiverInput, RenderInput } from "../render/input.ts";
import { receiverPort } from "./endpoints.ts";
import type { NamespaceSecurity } from "./platform.ts";

/** What is known of the destination when its pod is described. */
export interface DestinationSeen {
  config: ClusterDestinationConfig;
  found: Discovered;
  security: NamespaceSecurity;
}

export function receiverInput(
  request: ClusterRequest,
  { config, found, security }: DestinationSeen,
): ReceiverInput {
  const image = request["destination-image"] ?? config.image ?? request.image;
  return {
    namespace: found.namespace.value,
    image: {
      ...imageOf(found, image, request.tag),
      ...(config.imagePullSecret === undefined ? {} : { pullSecret: config.imagePullSecret }),
    },
    data: dataOf(found),
    platform: security.platform,
    port: receiverPort,
  };
}

export function imageOf(
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

export function dataOf({ claim, subPath, mount }: Discovered): RenderInput["data"] {
  return {
    claim: claim.value.name,
    ...(subPath.value === "" ? {} : { subPath: subPath.value }),
    mountPath: mount.value,
    ...(claim.value.node === undefined ? {} : { node: claim.value.node }),
  };
}

/** The short name of a release of MVI is what its objects bear as `app`. */
export function releaseOf({ release, chart }: Discovered, plan: Plan): RenderInput["release"] {
  return {
    name: release.value,
    ...(chart === undefined ? {} : { chart: chart.value }),
    app: plan.application.cluster?.app ?? plan.application.application,
  };
}
