import { MigrationError } from "../../core/errors.ts";
import type { KubeObject } from "../../kube/resource.ts";
import type { RenderInput } from "./input.ts";
import { withMetadata } from "./metadata.ts";
import { fillTemplate } from "./template.ts";

/** The API refuses more, for ConfigMaps and for Secrets. */
export const largestData = 1024 * 1024;

export function planName({ plan }: Pick<RenderInput, "plan">): string {
  return `${plan.name}-plan`;
}

/** Holds the plan, and the receiver's pod as the manager is to make it. */
export function renderConfigMap(input: RenderInput, receiver: KubeObject | undefined): KubeObject {
  const plan = toJson(input.plan);
  const pod = receiver === undefined ? undefined : toJson(receiver);
  const size = [plan, pod ?? "", input.extraCa ?? ""].join("").length;
  if (size > largestData) {
    throw new MigrationError(
      "E_USAGE",
      `The plan of "${input.plan.name}" takes ${size} bytes, but a ConfigMap holds ${largestData}`,
      { hint: "Move fewer users or project groups with one migration" },
    );
  }
  const object = fillTemplate("config-map", {
    "plan-name": planName(input),
    namespace: input.namespace,
    plan,
    receiver: pod,
    ca: input.extraCa,
  });
  return withMetadata(object, input, "manager");
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
