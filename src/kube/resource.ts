import { z } from "zod";

/** A kind of object: where the API has it, and the fields of it that we use. */
export interface Resource<T> {
  apiVersion: string;
  kind: string;
  /** The name in the URL: "persistentvolumeclaims". */
  plural: string;
  namespaced: boolean;
  schema: z.ZodType<T>;
}

/** Labels, annotations, selectors: names and their values. */
export const Labels = z.record(z.string(), z.string());

const OwnerReference = z.looseObject({
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().optional(),
});

export const Metadata = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
  /** Counts the changes of the spec. */
  generation: z.number().optional(),
  creationTimestamp: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  labels: Labels.optional(),
  annotations: Labels.optional(),
  ownerReferences: z.array(OwnerReference).optional(),
});
export type Metadata = z.infer<typeof Metadata>;

/** Any object, for what is passed on as it is. */
export const KubeObject = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: Metadata,
});
export type KubeObject = z.infer<typeof KubeObject>;
