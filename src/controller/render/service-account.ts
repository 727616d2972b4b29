import type { KubeObject } from "../../kube/resource.ts";
import type { RenderInput } from "./input.ts";
import { withMetadata } from "./metadata.ts";
import { fillTemplate } from "./template.ts";

export function serviceAccountName({ plan, serviceAccount }: RenderInput): string {
  return serviceAccount ?? plan.name;
}

/** Undefined where an existing one is named. */
export function renderServiceAccount(input: RenderInput): KubeObject | undefined {
  if (input.serviceAccount !== undefined) return undefined;
  const object = fillTemplate("service-account", {
    "service-account": serviceAccountName(input),
    namespace: input.namespace,
  });
  return withMetadata(object, input, "manager");
}
