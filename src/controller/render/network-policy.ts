import { NetworkPolicy } from "../../kube/namespace-objects.ts";
import { KubeObject } from "../../kube/resource.ts";
import type { Peer, RenderInput } from "./input.ts";
import { withMetadata } from "./metadata.ts";
import { fillTemplate } from "./template.ts";

/** Undefined where none is asked for. */
export function renderNetworkPolicy(input: RenderInput): KubeObject | undefined {
  const { egress, plan, namespace } = input;
  if (egress === undefined) return undefined;
  const object = fillTemplate("network-policy", { "deployment-name": plan.name, namespace });
  const { spec } = NetworkPolicy.parse(object);
  const rules = [spec?.["egress"] ?? []].flat();
  const policy = { ...object, spec: { ...spec, egress: [...rules, ...egress.map(ruleOf)] } };
  return withMetadata(KubeObject.parse(policy), input, "manager");
}

function ruleOf({ cidr, namespaceLabels, podLabels, ports }: Peer) {
  const peer = {
    ...(cidr === undefined ? {} : { ipBlock: { cidr } }),
    ...(namespaceLabels ? { namespaceSelector: { matchLabels: namespaceLabels } } : {}),
    ...(podLabels ? { podSelector: { matchLabels: podLabels } } : {}),
  };
  return {
    // A peer of which nothing is said is any: the list of peers is left out, not empty.
    ...(Object.keys(peer).length === 0 ? {} : { to: [peer] }),
    ports: ports.map((port) => ({ protocol: "TCP", port })),
  };
}
