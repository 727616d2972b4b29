import { z } from "zod";

const NamePattern = z
  .string()
  .regex(/^(?=.)(\{name\})?[-a-z0-9.*]*$/, {
    error: "must be a name in which {name} may come first, and * stands for anything",
  })
  .describe(
    "A name; {name} at its beginning is the short name of the release, * any run of characters",
  );
const NamePatterns = z.array(NamePattern).min(1);

const ValuePath = z
  .string()
  .regex(/^[\w-]+(\[\d+\])*(\.[\w-]+(\[\d+\])*)*$/, {
    error: "must be a path of keys, as MONGODB[0].SERVER",
  })
  .describe("Keys with dots between them, as MONGODB[0].SERVER");

const Template = z
  .string()
  .min(1)
  .describe("Text in which {database}, {release}, {name} and {namespace} are put");

const ConfigMap = z.strictObject({
  names: NamePatterns,
  key: z.string().min(1).describe("The key that holds JSON; without it a ConfigMap is another one"),
  values: z
    .strictObject({
      name: ValuePath.optional().describe("The short name, which other names begin with"),
      claim: ValuePath.optional().describe("The PersistentVolumeClaim's name"),
      "sub-path": ValuePath.optional().describe("The data folder on the volume"),
      mount: ValuePath.optional().describe("Where the data folder is mounted"),
      database: ValuePath.optional().describe("The database's name"),
      host: ValuePath.optional().describe("The database's Service, or a host outside"),
      port: ValuePath.optional().describe("Its port"),
      username: ValuePath.optional().describe("The user that logs in"),
      "object-storage": ValuePath.optional().describe("True where files are in object storage"),
    })
    .describe("What the JSON tells, and where in it"),
});

const Secret = z.strictObject({
  names: NamePatterns,
  username: z.string().min(1).optional().describe("The key of the user's name"),
  password: z.string().min(1).describe("The key of the password"),
  external: z
    .boolean()
    .default(false)
    .describe("Of a database outside of the namespace, which then is the release's database"),
});

const Database = z.strictObject({
  services: NamePatterns.describe("The Services that lead to it"),
  port: z.number().int().min(1).max(65_535).default(27_017).describe("Where the Service has many"),
  username: z.string().min(1).optional().describe("The user, where nothing else tells it"),
  "auth-source": Template.default("{database}").describe("The database that the user is of"),
  external: z
    .strictObject({
      database: Template.describe("The database's name"),
      "auth-source": Template.default("admin").describe("The database that the user is of"),
    })
    .optional()
    .describe("Where the database is outside of the namespace"),
});

const Version = z.strictObject({
  images: z
    .array(z.string().min(1))
    .default([])
    .describe("Repositories of images whose tag is the version; * stands for anything"),
  services: z.array(NamePattern).default([]).describe("Services that tell it over HTTP"),
  path: z.string().startsWith("/").optional().describe("The path of the HTTP request"),
  value: ValuePath.optional().describe("Where the version is in the JSON of the answer"),
});

const ObjectStorage = z.strictObject({
  "api-version": z.string().min(1),
  kind: z.string().min(1),
  plural: z.string().min(1),
  key: z.string().min(1).describe("True, at any depth, where files are in object storage"),
});

/** What of an application is told by the objects of its namespace, and how they are named. */
export const ApplicationCluster = z.strictObject({
  app: z
    .string()
    .regex(/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/, {
      error: "must be the value of a label",
    })
    .optional()
    .describe("The label app of its objects, which ours bear as well; else the application's name"),
  charts: z.array(z.string().min(1)).default([]).describe("Names of its charts, without version"),
  "sub-path": z.string().default("").describe("The data folder on the volume, unless told"),
  "config-map": ConfigMap.optional().describe("The ConfigMap that tells most of it"),
  deployments: z
    .record(z.string().min(1), NamePatterns)
    .describe("Deployments by what they are; writers and after name them so"),
  mounts: z
    .array(z.string().min(1))
    .describe("Which of the deployments mount the data folder, the most certain first"),
  claims: z.array(NamePattern).default([]).describe("Names of the claim, where no pod tells it"),
  database: Database,
  secrets: z.array(Secret).default([]).describe("Secrets that hold the database's log-in"),
  version: Version.optional().describe("How the product's version is told"),
  "object-storage": z
    .array(ObjectStorage)
    .default([])
    .describe("Custom resources that tell whether files are in object storage"),
  helm: z.array(z.string().min(1)).default([]).describe("Helm on the source's host, by its path"),
});
export type ApplicationCluster = z.infer<typeof ApplicationCluster>;
