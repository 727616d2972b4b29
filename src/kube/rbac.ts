import { z } from "zod";
import { Metadata } from "./resource.ts";

const Rule = z.looseObject({
  apiGroups: z.array(z.string()).optional(),
  resources: z.array(z.string()).optional(),
  resourceNames: z.array(z.string()).optional(),
  verbs: z.array(z.string()),
});

export const Role = z.looseObject({ metadata: Metadata, rules: z.array(Rule).nullish() });
export type Role = z.infer<typeof Role>;

export const RoleBinding = z.looseObject({
  metadata: Metadata,
  roleRef: z.looseObject({ kind: z.string(), name: z.string() }),
  subjects: z
    .array(z.looseObject({ kind: z.string(), name: z.string(), namespace: z.string().optional() }))
    .optional(),
});
export type RoleBinding = z.infer<typeof RoleBinding>;
