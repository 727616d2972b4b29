import type { Container, PodSpec } from "../../kube/pod.ts";
import type { RenderInput, Resources } from "./input.ts";

type PodInput = Pick<RenderInput, "image" | "data" | "resources">;

/** Sets what not every pod of ours has. */
export function withOptions(spec: PodSpec, input: PodInput): PodSpec {
  const { image, data, resources } = input;
  return {
    ...spec,
    ...(image.pullSecret === undefined ? {} : { imagePullSecrets: [{ name: image.pullSecret }] }),
    ...(data.node === undefined ? {} : { affinity: onNode(spec["affinity"], data.node) }),
    containers: spec.containers.map((container) => ({
      ...container,
      ...(image.pullPolicy === undefined ? {} : { imagePullPolicy: image.pullPolicy }),
      ...(resources === undefined ? {} : { resources: resourcesOf(resources) }),
    })),
  };
}

function resourcesOf(resources: Exclude<Resources, undefined>): Container["resources"] {
  // Limits of 0 are none; a quota that wants limits to be set is content with them.
  if (resources === "none") return { limits: { cpu: "0", memory: "0Mi" } };
  return resources;
}

interface Affinity {
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: Record<string, unknown>[];
    };
  };
}

/** By the scheduler, which a pod with a nodeName is not seen by. */
function onNode(affinity: unknown, node: string): Affinity {
  const required = (affinity as Affinity).nodeAffinity
    .requiredDuringSchedulingIgnoredDuringExecution;
  const matchFields = [{ key: "metadata.name", operator: "In", values: [node] }];
  return {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: required.nodeSelectorTerms.map((term) => ({ ...term, matchFields })),
      },
    },
  };
}
