import type { Node } from "../../kube/namespace-objects.ts";
import { type Finding, failed, info, ok, warning } from "./finding.ts";
import type { SideFacts } from "./side-facts.ts";

/** The volume is there, and a pod of ours can mount it beside those that do. */
export function checkVolume({ side, found, claim, nodes }: SideFacts): Finding[] {
  const id = `${side}.volume`;
  if (found.value === undefined) return [];
  const { name, phase, accessModes, capacity, node } = found.value.claim.value;
  const pvc = `PersistentVolumeClaim "${name}"`;
  const { deletionTimestamp } = claim.value?.metadata ?? {};
  if (deletionTimestamp !== undefined) {
    return [
      failed(id, "E_CLUSTER", `${pvc} is Terminating since ${deletionTimestamp}`, {
        fix: "See who deleted it; its data goes with the last pod that uses it",
      }),
    ];
  }
  if (phase === "Lost") {
    return [
      failed(id, "E_CLUSTER", `${pvc} has lost its volume`, {
        fix: "Bring the PersistentVolume back",
      }),
    ];
  }
  if (claim.value?.spec.volumeMode === "Block") {
    return [
      failed(id, "E_CLUSTER", `${pvc} is a raw block device, without a file system`, {
        fix: "Name the claim that holds files",
      }),
    ];
  }
  if (phase !== "Bound") {
    return [
      warning(id, `${pvc} is ${phase}`, {
        fix: `See kubectl describe pvc ${name}; one whose class waits for a first consumer is bound by our pod`,
      }),
    ];
  }
  const modes = accessModes.join(", ");
  const seen = `${pvc} is Bound${capacity === undefined ? "" : `, ${capacity}`}, ${modes}`;
  if (accessModes.length > 0 && accessModes.every((mode) => mode === "ReadWriteOncePod")) {
    if (node === undefined) return [ok(id, `${seen}, and no pod uses it`)];
    return [
      failed(id, "E_POD", `${seen}: the pod that uses it keeps all others out`, {
        fix: "Scale its pod down first",
      }),
    ];
  }
  if (node === undefined) return [ok(id, seen)];
  const where = nodes.value?.find(({ metadata }) => metadata.name === node);
  const trouble = where === undefined ? undefined : troubleOf(where);
  if (trouble === undefined)
    return [info(id, `${seen}: our pod goes to node "${node}", which has it mounted`)];
  return [
    failed(id, "E_POD", `${seen}: only node "${node}" can mount it, and it ${trouble}`, {
      fix: `See kubectl describe node ${node}`,
    }),
  ];
}

function troubleOf({ spec, status }: Node): string | undefined {
  if (spec?.unschedulable === true) return "is cordoned";
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  return ready === undefined || ready.status === "True" ? undefined : "is not Ready";
}
