import { z } from "zod";
import { MigrationError } from "../../core/errors.ts";
import { Metadata, type Resource } from "../../kube/resource.ts";
import type { Place } from "./remembered.ts";

const Autoscaler = z.looseObject({
  metadata: Metadata,
  spec: z.looseObject({ scaleTargetRef: z.looseObject({ kind: z.string(), name: z.string() }) }),
});
type Autoscaler = z.infer<typeof Autoscaler>;

/** In the version that every API serves. */
const horizontalPodAutoscalers: Resource<Autoscaler> = {
  apiVersion: "autoscaling/v1",
  kind: "HorizontalPodAutoscaler",
  plural: "horizontalpodautoscalers",
  namespaced: true,
  schema: Autoscaler,
};

/** One sentence for each autoscaler of a writer; none where they may not be listed. */
export async function describeAutoscalers(
  { cluster, namespace }: Place,
  writers: readonly string[],
): Promise<string[]> {
  const all = await cluster.list(horizontalPodAutoscalers, namespace).catch(unlessRefused);
  return all.flatMap(({ metadata, spec: { scaleTargetRef: target } }) =>
    target.kind === "Deployment" && writers.includes(target.name)
      ? [
          `HorizontalPodAutoscaler "${metadata.name}" scales Deployment "${target.name}": it leaves it alone at 0 replicas, and goes on when they are put back`,
        ]
      : [],
  );
}

/** It is a courtesy: the Role that we ask for does not have it. */
function unlessRefused(error: unknown): Autoscaler[] {
  const isRefusal = error instanceof MigrationError && refusals.has(error.code);
  if (isRefusal) return [];
  throw error;
}

const refusals: ReadonlySet<string> = new Set(["E_PERMISSION", "E_CLUSTER"]);
