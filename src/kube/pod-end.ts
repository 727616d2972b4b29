import type { Pod } from "./pod.ts";

/** How a pod's program ended last, where its container was begun again or is over; in words. */
export function lastEndOf({ spec, status }: Pod): string | undefined {
  const container = status?.containerStatuses?.[0];
  const ended = container?.state?.terminated ?? container?.lastState?.terminated;
  if (container === undefined || ended === undefined) return undefined;
  const { restartCount: restarts } = container;
  const again = restarts === 0 ? "" : `; it was begun again ${restarts} times`;
  if (ended.reason !== "OOMKilled") {
    return restarts === 0 ? undefined : `It ended with exit code ${ended.exitCode}${again}.`;
  }
  const limit = spec.containers.find(({ name }) => name === container.name)?.resources?.limits;
  const size = limit?.["memory"] === undefined ? "" : ` of ${limit["memory"]}`;
  return `It was killed for want of memory (OOMKilled, limit${size})${again}. Give --limits memory=… more.`;
}
