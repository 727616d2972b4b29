import { z } from "zod";
import { MigrationError } from "../../core/errors.ts";
import { Plan } from "../../plan/plan.ts";

const Label = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, { message: "is no RFC 1123 label" });
const Name = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, {
    message: "is no RFC 1123 subdomain",
  });
const Text = z.string().min(1).max(1024);
const ImageName = z
  .string()
  .max(1024)
  .regex(/^[a-z0-9][\w./:@-]*$/i, { message: "is no name of an image" });
const Port = z.number().int().min(1).max(65535);
const Id = z.number().int().nonnegative();

const Key = z
  .string()
  .regex(/^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/, {
    message: "is no key of a label or an annotation",
  });
const LabelText = z
  .string()
  .regex(/^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$/, { message: "is no value of a label" });
const Labels = z.record(Key, LabelText);

const AbsolutePath = z.string().refine((path) => /^\/[^:\0]*[^:\0/]$/.test(path) && isPlain(path), {
  message: "is no absolute path that a volume can be mounted at",
});
const SubPath = z.string().refine((path) => /^[^/\0]/.test(path) && isPlain(path), {
  message: "is no relative path within the volume",
});

function isPlain(path: string): boolean {
  return path.length <= 1024 && !path.split("/").includes("..");
}

/** Of the programs' image; which ones there are is up to its build. */
const Image = z.strictObject({
  name: ImageName,
  pullPolicy: z.enum(["IfNotPresent", "Always", "Never"]).optional(),
  pullSecret: Name.optional(),
  architectures: z.array(z.enum(["amd64", "arm64", "ppc64le", "s390x"])).min(1),
});

/** A volume as a pod of ours mounts it. */
const Data = z.strictObject({
  claim: Name,
  /** Of the data folder within the volume; absent where the volume is the folder. */
  subPath: SubPath.optional(),
  /** Where the application, and so the plan, has the data folder. */
  mountPath: AbsolutePath,
  /** The only node that can mount the volume. */
  node: Name.optional(),
});

/** Which users a namespace lets pods run as. */
const Platform = z.strictObject({
  /** Its security context constraints choose user and fsGroup, and refuse pods that do. */
  openshift: z.boolean(),
  runAsUser: Id.optional(),
  runAsGroup: Id.optional(),
  fsGroup: Id.optional(),
  supplementalGroups: z.array(Id).optional(),
});
export type Platform = z.infer<typeof Platform>;

const Quantities = z.record(z.string(), z.string().regex(/^[0-9.]+[A-Za-z]*$/));
/** "none" sets no request and limits of 0; absent are the template's own. */
const Resources = z.union([
  z.literal("none"),
  z.strictObject({ requests: Quantities.optional(), limits: Quantities.optional() }),
]);
export type Resources = z.infer<typeof Resources>;

export const podOwnershipModes = ["inherit", "map", "preserve"] as const;
const Ownership = z.enum(podOwnershipModes);

const PodInput = {
  namespace: Label,
  image: Image,
  data: Data,
  platform: Platform,
  resources: Resources.optional(),
};

export const ReceiverInput = z.strictObject({
  ...PodInput,
  /** Of the TLS listener. */
  port: Port,
});
export type ReceiverInput = z.infer<typeof ReceiverInput>;

const Peer = z.strictObject({
  cidr: z.union([z.cidrv4(), z.cidrv6()]).optional(),
  namespaceLabels: Labels.optional(),
  podLabels: Labels.optional(),
  ports: z.array(Port).min(1),
});
export type Peer = z.infer<typeof Peer>;

const Environment = z.strictObject({
  HTTPS_PROXY: z.url().optional(),
  HTTP_PROXY: z.url().optional(),
  NO_PROXY: Text.optional(),
});

const Credentials = z.strictObject({
  /** The Secret's name. */
  secret: Name,
  /** By their keys; without them the Secret is there already. */
  values: z.record(z.string().regex(/^[-._a-zA-Z0-9]{1,253}$/), z.string()).optional(),
});

/** All that the objects of a migration in its source's cluster are made from. */
export const RenderInput = z
  .strictObject({
    ...PodInput,
    workload: z.enum(["deployment", "job"]),
    template: z.enum(["safe", "classic"]),
    /** How the receiver keeps owners. */
    ownership: Ownership,
    /** Whether the manager runs as root to read every file; absent, unless `inherit` is kept. */
    readsAsRoot: z.boolean().optional(),
    /** The release that the migration is of, as its own objects are labelled. */
    release: z.strictObject({
      name: Text,
      chart: Text.optional(),
      /** The label "app": vision for the built-in application. */
      app: Text,
    }),
    /** The deployment's name is the plan's. */
    plan: Plan,
    /** The destination's pod, where it is one of ours. */
    receiver: ReceiverInput.optional(),
    credentials: Credentials,
    /** Names one start: what failed then is not tried again by a mere restart of the pod. */
    attempt: Label,
    rerun: z.boolean().optional(),
    /** An existing one; without it one is made that has no token. */
    serviceAccount: Name.optional(),
    proxy: Environment.optional(),
    /** Certificates (PEM) that are trusted beside the usual ones. */
    extraCa: z.string().optional(),
    /** Where the pod may connect to beside the DNS; without it no NetworkPolicy is made. */
    egress: z.array(Peer).optional(),
    gracePeriodSeconds: z.number().int().positive().optional(),
    labels: Labels.optional(),
    annotations: z.record(Key, Text).optional(),
  })
  .readonly();
export type RenderInput = z.infer<typeof RenderInput>;

/** Throws E_CONFIG with all problems at once; none of them repeats a value. */
export function checkInput(input: RenderInput): RenderInput {
  const result = RenderInput.safeParse(input);
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap(problemsOf);
  throw new MigrationError("E_CONFIG", "Cannot describe the migration to the cluster", {
    hint: "Correct what is named; nothing was made",
    fields: { problems },
  });
}

function problemsOf(issue: z.core.$ZodIssue): string[] {
  const at = issue.path.map(String).join(".");
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => `${[at, key].filter(Boolean).join(".")}: is not known here`);
  }
  const isMissing = issue.code === "invalid_type" && issue.input === undefined;
  return [`${at}: ${isMissing ? "is missing" : issue.message}`];
}
