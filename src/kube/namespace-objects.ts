import { z } from "zod";
import { Condition, Quantities } from "./pod.ts";
import { Labels, Metadata } from "./resource.ts";

export const Service = z.looseObject({
  metadata: Metadata,
  spec: z.looseObject({
    type: z.string().optional(),
    /** "None" where it is headless. */
    clusterIP: z.string().optional(),
    externalName: z.string().optional(),
    selector: Labels.optional(),
    ports: z
      .array(
        z.looseObject({
          name: z.string().optional(),
          protocol: z.string().optional(),
          port: z.number().int(),
          /** A number, or the name of a container's port. */
          targetPort: z.union([z.number().int(), z.string()]).optional(),
        }),
      )
      .optional(),
  }),
});
export type Service = z.infer<typeof Service>;

export const EndpointSlice = z.looseObject({
  metadata: Metadata,
  addressType: z.string(),
  endpoints: z
    .array(
      z.looseObject({
        addresses: z.array(z.string()),
        conditions: z.looseObject({ ready: z.boolean().nullish() }).optional(),
        targetRef: z
          .looseObject({ kind: z.string().optional(), name: z.string().optional() })
          .optional(),
      }),
    )
    .nullish(),
  ports: z
    .array(z.looseObject({ name: z.string().nullish(), port: z.number().int().nullish() }))
    .nullish(),
});
export type EndpointSlice = z.infer<typeof EndpointSlice>;

export const Secret = z.looseObject({
  metadata: Metadata,
  type: z.string().optional(),
  /** Base64. */
  data: Labels.optional(),
});
export type Secret = z.infer<typeof Secret>;

export const ConfigMap = z.looseObject({
  metadata: Metadata,
  data: Labels.optional(),
  /** Base64. */
  binaryData: Labels.optional(),
});
export type ConfigMap = z.infer<typeof ConfigMap>;

/** Its own name is `ObjectEvent`, as `Event` is one of the language's. */
export const ObjectEvent = z.looseObject({
  metadata: Metadata,
  involvedObject: z.looseObject({
    kind: z.string().optional(),
    name: z.string().optional(),
    namespace: z.string().optional(),
    uid: z.string().optional(),
  }),
  /** "Normal" or "Warning". */
  type: z.string().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
  count: z.number().int().optional(),
  firstTimestamp: z.string().nullish(),
  lastTimestamp: z.string().nullish(),
  eventTime: z.string().nullish(),
});
export type ObjectEvent = z.infer<typeof ObjectEvent>;

export const ServiceAccount = z.looseObject({
  metadata: Metadata,
  automountServiceAccountToken: z.boolean().optional(),
  imagePullSecrets: z.array(z.looseObject({ name: z.string().optional() })).optional(),
});
export type ServiceAccount = z.infer<typeof ServiceAccount>;

export const ResourceQuota = z.looseObject({
  metadata: Metadata,
  spec: z.looseObject({ hard: Quantities.optional() }).optional(),
  status: z.looseObject({ hard: Quantities.optional(), used: Quantities.optional() }).optional(),
});
export type ResourceQuota = z.infer<typeof ResourceQuota>;

export const LimitRange = z.looseObject({
  metadata: Metadata,
  spec: z.looseObject({
    limits: z
      .array(
        z.looseObject({
          type: z.string(),
          max: Quantities.optional(),
          min: Quantities.optional(),
          default: Quantities.optional(),
          defaultRequest: Quantities.optional(),
        }),
      )
      .nullable(),
  }),
});
export type LimitRange = z.infer<typeof LimitRange>;

export const NetworkPolicy = z.looseObject({
  metadata: Metadata,
  spec: z
    .looseObject({
      podSelector: z.looseObject({ matchLabels: Labels.optional() }).optional(),
      policyTypes: z.array(z.string()).optional(),
    })
    .optional(),
});
export type NetworkPolicy = z.infer<typeof NetworkPolicy>;

export const Namespace = z.looseObject({
  metadata: Metadata,
  status: z
    .looseObject({ phase: z.string().optional(), conditions: z.array(Condition).optional() })
    .optional(),
});
export type Namespace = z.infer<typeof Namespace>;

export const Node = z.looseObject({
  metadata: Metadata,
  spec: z
    .looseObject({
      unschedulable: z.boolean().optional(),
      taints: z
        .array(z.looseObject({ key: z.string(), value: z.string().optional(), effect: z.string() }))
        .optional(),
    })
    .optional(),
  status: z
    .looseObject({
      nodeInfo: z
        .looseObject({
          architecture: z.string(),
          operatingSystem: z.string().optional(),
          kubeletVersion: z.string().optional(),
          containerRuntimeVersion: z.string().optional(),
        })
        .optional(),
      allocatable: Quantities.optional(),
      conditions: z.array(Condition).optional(),
      images: z
        .array(
          z.looseObject({
            names: z.array(z.string()).nullish(),
            sizeBytes: z.number().optional(),
          }),
        )
        .optional(),
    })
    .optional(),
});
export type Node = z.infer<typeof Node>;
