import { z } from "zod";
import { Labels, Metadata } from "./resource.ts";

const KeyRef = z.looseObject({
  name: z.string().optional(),
  key: z.string(),
  optional: z.boolean().optional(),
});

const EnvVar = z.looseObject({
  name: z.string(),
  value: z.string().optional(),
  valueFrom: z
    .looseObject({ secretKeyRef: KeyRef.optional(), configMapKeyRef: KeyRef.optional() })
    .optional(),
});

const NameRef = z.looseObject({ name: z.string().optional() });

/** Requests, limits, hard limits: the name of a resource and a quantity as "500m" or "2Gi". */
export const Quantities = z.record(z.string(), z.union([z.string(), z.number().transform(String)]));

export const Container = z.looseObject({
  name: z.string(),
  image: z.string().optional(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  env: z.array(EnvVar).optional(),
  envFrom: z
    .array(z.looseObject({ secretRef: NameRef.optional(), configMapRef: NameRef.optional() }))
    .optional(),
  ports: z
    .array(z.looseObject({ name: z.string().optional(), containerPort: z.number().int() }))
    .optional(),
  securityContext: z.looseObject({ runAsNonRoot: z.boolean().optional() }).optional(),
  volumeMounts: z
    .array(
      z.looseObject({
        name: z.string(),
        mountPath: z.string(),
        subPath: z.string().optional(),
        subPathExpr: z.string().optional(),
        readOnly: z.boolean().optional(),
      }),
    )
    .optional(),
  resources: z
    .looseObject({ requests: Quantities.optional(), limits: Quantities.optional() })
    .optional(),
});
export type Container = z.infer<typeof Container>;

const Volume = z.looseObject({
  name: z.string(),
  persistentVolumeClaim: z
    .looseObject({ claimName: z.string(), readOnly: z.boolean().optional() })
    .optional(),
  secret: z.looseObject({ secretName: z.string().optional() }).optional(),
  configMap: NameRef.optional(),
});

export const PodSpec = z.looseObject({
  containers: z.array(Container),
  initContainers: z.array(Container).optional(),
  volumes: z.array(Volume).optional(),
  nodeName: z.string().optional(),
  nodeSelector: Labels.optional(),
  serviceAccountName: z.string().optional(),
  imagePullSecrets: z.array(NameRef).optional(),
  securityContext: z
    .looseObject({
      runAsNonRoot: z.boolean().optional(),
      runAsUser: z.number().optional(),
      runAsGroup: z.number().optional(),
      fsGroup: z.number().optional(),
      supplementalGroups: z.array(z.number()).optional(),
    })
    .optional(),
});
export type PodSpec = z.infer<typeof PodSpec>;

/** What a Deployment and its like make their pods from; the API gives it no name. */
export const PodTemplate = z.looseObject({
  metadata: z.looseObject({ labels: Labels.optional(), annotations: Labels.optional() }).optional(),
  spec: PodSpec,
});

export const Condition = z.looseObject({
  type: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
  lastTransitionTime: z.string().nullish(),
});
export type Condition = z.infer<typeof Condition>;

const ContainerState = z.looseObject({
  waiting: z
    .looseObject({ reason: z.string().optional(), message: z.string().optional() })
    .optional(),
  running: z.looseObject({ startedAt: z.string().nullish() }).optional(),
  terminated: z
    .looseObject({
      exitCode: z.number().int(),
      signal: z.number().int().optional(),
      reason: z.string().optional(),
      message: z.string().optional(),
      startedAt: z.string().nullish(),
      finishedAt: z.string().nullish(),
    })
    .optional(),
});

export const ContainerStatus = z.looseObject({
  name: z.string(),
  ready: z.boolean(),
  started: z.boolean().nullish(),
  restartCount: z.number().int(),
  image: z.string().optional(),
  imageID: z.string().optional(),
  state: ContainerState.optional(),
  lastState: ContainerState.optional(),
});
export type ContainerStatus = z.infer<typeof ContainerStatus>;

export const Pod = z.looseObject({
  metadata: Metadata,
  spec: PodSpec,
  status: z
    .looseObject({
      phase: z.string().optional(),
      reason: z.string().optional(),
      message: z.string().optional(),
      podIP: z.string().optional(),
      hostIP: z.string().optional(),
      startTime: z.string().nullish(),
      conditions: z.array(Condition).optional(),
      containerStatuses: z.array(ContainerStatus).optional(),
      initContainerStatuses: z.array(ContainerStatus).optional(),
    })
    .optional(),
});
export type Pod = z.infer<typeof Pod>;
