import type { KubeObject } from "../../kube/resource.ts";
import { renderConfigMap } from "./config-map.ts";
import { checkInput, type RenderInput } from "./input.ts";
import { renderNetworkPolicy } from "./network-policy.ts";
import { renderReceiver } from "./receiver.ts";
import { renderCredentials } from "./secret.ts";
import { renderServiceAccount } from "./service-account.ts";
import { renderWorkload } from "./workload.ts";

/**
 * What runs a migration in its source's cluster, in the order to make it in; the workload, which
 * is to own all the rest, is the last. Pure: the same input gives the same objects.
 */
export function renderMigration(input: RenderInput): KubeObject[] {
  const checked = checkInput(input);
  const { receiver } = checked;
  const objects = [
    renderServiceAccount(checked),
    renderConfigMap(checked, receiver && renderReceiver(checked, receiver)),
    renderCredentials(checked),
    renderNetworkPolicy(checked),
    renderWorkload(checked),
  ];
  return objects.filter((object) => object !== undefined);
}
