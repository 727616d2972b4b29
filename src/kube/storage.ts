import { z } from "zod";
import { Condition, Quantities } from "./pod.ts";
import { Metadata } from "./resource.ts";

const AccessModes = z.array(z.string());

export const PersistentVolumeClaim = z.looseObject({
  metadata: Metadata,
  spec: z.looseObject({
    accessModes: AccessModes.optional(),
    storageClassName: z.string().optional(),
    volumeMode: z.string().optional(),
    /** Of the bound volume. */
    volumeName: z.string().optional(),
    resources: z.looseObject({ requests: Quantities.optional() }).optional(),
  }),
  status: z
    .looseObject({
      /** "Pending", "Bound" or "Lost". */
      phase: z.string().optional(),
      accessModes: AccessModes.optional(),
      capacity: Quantities.optional(),
      conditions: z.array(Condition).optional(),
    })
    .optional(),
});
export type PersistentVolumeClaim = z.infer<typeof PersistentVolumeClaim>;

const NodeSelectorTerm = z.looseObject({
  matchExpressions: z
    .array(
      z.looseObject({
        key: z.string(),
        operator: z.string(),
        values: z.array(z.string()).optional(),
      }),
    )
    .optional(),
});

export const PersistentVolume = z.looseObject({
  metadata: Metadata,
  spec: z.looseObject({
    accessModes: AccessModes.optional(),
    capacity: Quantities.optional(),
    storageClassName: z.string().optional(),
    claimRef: z
      .looseObject({
        namespace: z.string().optional(),
        name: z.string().optional(),
        uid: z.string().optional(),
      })
      .optional(),
    /** The nodes that can reach it; any where it is absent. */
    nodeAffinity: z
      .looseObject({
        required: z.looseObject({ nodeSelectorTerms: z.array(NodeSelectorTerm) }).optional(),
      })
      .optional(),
  }),
  status: z.looseObject({ phase: z.string().optional() }).optional(),
});
export type PersistentVolume = z.infer<typeof PersistentVolume>;

export const StorageClass = z.looseObject({
  metadata: Metadata,
  provisioner: z.string(),
  volumeBindingMode: z.string().optional(),
});
export type StorageClass = z.infer<typeof StorageClass>;
