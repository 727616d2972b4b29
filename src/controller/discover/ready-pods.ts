import type { Pod } from "../../kube/pod.ts";

/** Why a pod cannot be worked with; undefined where it runs, is Ready and stays. */
function unfitness({ metadata, status }: Pod): string | undefined {
  if (metadata.deletionTimestamp !== undefined) return "is Terminating";
  const waiting = status?.containerStatuses?.find(({ state }) => state?.waiting !== undefined);
  if (waiting?.state?.waiting?.reason !== undefined) return `is in ${waiting.state.waiting.reason}`;
  if (status?.phase !== "Running") return `is ${status?.phase ?? "Unknown"}`;
  const ready = status.conditions?.find(({ type }) => type === "Ready");
  return ready?.status === "True" ? undefined : "is not Ready";
}

/** Those of the pods that are fit, and of the others what keeps them from it. */
export function sortOut(pods: readonly Pod[]): { ready: Pod[]; unfit: string[] } {
  const ready: Pod[] = [];
  const unfit: string[] = [];
  for (const pod of pods) {
    const why = unfitness(pod);
    if (why === undefined) ready.push(pod);
    else unfit.push(`Pod "${pod.metadata.name}" ${why}`);
  }
  return { ready, unfit };
}

/** A selector's labels, all of them; one without any selects nothing. */
export function isSelected(
  labels: Readonly<Record<string, string>> | undefined,
  selector: Readonly<Record<string, string>> | undefined,
): boolean {
  const wanted = Object.entries(selector ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels?.[key] === value);
}
