import { z } from "zod";
import { Condition, PodTemplate } from "./pod.ts";
import { Labels, Metadata } from "./resource.ts";

const Selector = z.looseObject({ matchLabels: Labels.optional() });

/** A Deployment, StatefulSet, DaemonSet or ReplicaSet: what runs pods until it is scaled down. */
export const Workload = z.looseObject({
  metadata: Metadata,
  spec: z.looseObject({
    /** One where it is absent. */
    replicas: z.number().int().optional(),
    selector: Selector.optional(),
    template: PodTemplate,
    serviceName: z.string().optional(),
  }),
  status: z
    .looseObject({
      observedGeneration: z.number().optional(),
      replicas: z.number().int().optional(),
      readyReplicas: z.number().int().optional(),
      availableReplicas: z.number().int().optional(),
      updatedReplicas: z.number().int().optional(),
      conditions: z.array(Condition).optional(),
    })
    .optional(),
});
export type Workload = z.infer<typeof Workload>;

export const Job = z.looseObject({
  metadata: Metadata,
  spec: z.looseObject({
    suspend: z.boolean().optional(),
    parallelism: z.number().int().optional(),
    backoffLimit: z.number().int().optional(),
    template: PodTemplate,
  }),
  status: z
    .looseObject({
      active: z.number().int().optional(),
      succeeded: z.number().int().optional(),
      failed: z.number().int().optional(),
      startTime: z.string().nullish(),
      completionTime: z.string().nullish(),
      conditions: z.array(Condition).optional(),
    })
    .optional(),
});
export type Job = z.infer<typeof Job>;
