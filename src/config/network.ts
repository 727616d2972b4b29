import { z } from "zod";
import { Credential } from "./credential.ts";
import { Chown, IdTable } from "./ownership-map.ts";

const Text = z.string().min(1);

/** A name as Kubernetes has it: it becomes part of a URL. */
const Name = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, {
    error: "must be lower-case letters, digits, dashes and dots",
  });

/** Without a log-in: a password must not stand in the file. */
const loginInUrl = "must not hold a user or a password";

function hasNoLogin(text: string): boolean {
  return !text.includes("@");
}

const ServerUrl = z
  .string()
  .regex(/^(https:\/\/[^/?#\s]+|http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?)(\/[^?#\s]*)?$/, {
    error: "must be a URL with https://, or with http:// on this machine",
  })
  .refine(hasNoLogin, { error: `${loginInUrl}; name the log-in with token` });

const ProxyUrl = z
  .string()
  .regex(/^(https?|socks5):\/\/[^/?#\s]+\/?$/, {
    error: "must be a URL with http://, https:// or socks5://",
  })
  .refine(hasNoLogin, { error: `${loginInUrl}; set HTTPS_PROXY instead` });

const ByKubeconfig = z
  .strictObject({
    kubeconfig: Text.optional().describe("The file; without it $KUBECONFIG, then ~/.kube/config"),
    context: Text.optional().describe("Its context; without it the current one"),
  })
  // A union takes a kind that only has keys too many for the one that is meant; this one needs none.
  .check((payload) => {
    payload.aborted = payload.issues.length > 0;
  });

const ByServer = z.strictObject({
  server: ServerUrl.describe("The API's URL"),
  token: Credential.optional().describe("A bearer token, as of a ServiceAccount"),
  clientCertificateFile: Text.optional().describe("A client certificate (PEM)"),
  clientKeyFile: Text.optional().describe("Its key (PEM)"),
  caFile: Text.optional().describe("The CA that the API's certificate is of (PEM)"),
  tlsServerName: Text.optional().describe("The name that the certificate is checked for"),
  insecureSkipTlsVerify: z.boolean().optional().describe("Do not check the certificate"),
  proxyUrl: ProxyUrl.optional().describe("The proxy that leads to the API"),
});

const InCluster = z.strictObject({
  inCluster: z.literal(true).describe("The cluster that migctl runs in, by its ServiceAccount"),
});

/** One of: by kubeconfig, by URL, or from within. */
export const ClusterConfig = z.union([ByKubeconfig, ByServer, InCluster]);
export type ClusterConfig = z.infer<typeof ClusterConfig>;

const HostAndPort = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?)(:\d{1,5})?$/, {
    error: "must be a host with or without a port, as db.example.com:27017",
  });

const Tls = z.strictObject({
  ca: Credential.optional().describe("The CA that the database's certificates are of (PEM)"),
  certificate: Credential.optional().describe(
    "The certificate that is shown to the database (PEM); its key may be in it as well",
  ),
  key: Credential.optional().describe("The certificate's key (PEM), not encrypted"),
  allowInvalidCertificates: z
    .boolean()
    .optional()
    .describe("Do not check the database's certificates"),
});

const Database = z.strictObject({
  name: z
    .string()
    .regex(/^[^/\\. "$*<>:|?]{1,63}$/, { error: "must be a database's name" })
    .optional()
    .describe("The database's name"),
  service: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(:\d{1,5})?$/, {
      error: "must be a Service's name with or without a port, as vision-mongodb:27017",
    })
    .optional()
    .describe("The Service of the side's namespace that leads to it"),
  hosts: z.array(HostAndPort).min(1).optional().describe("Its servers, where they are outside"),
  uri: Credential.optional().describe("A whole MongoDB URI, in place of all but name and tls"),
  username: Text.optional().describe("The user that logs in"),
  password: Credential.optional().describe("The user's password"),
  authSource: Text.optional().describe("The database that the user is of"),
  replicaSet: Text.optional().describe("The replica set's name"),
  tls: Tls.optional().describe("Connect by TLS; {} checks against the well-known CAs"),
});

const SubPath = z
  .string()
  .refine((text) => !text.startsWith("/") && !text.split("/").includes(".."), {
    error: "must be a path below the volume's root, without ..",
  });

const clusterFields = {
  cluster: ClusterConfig.describe("How the API is reached; {} is kubectl's current context"),
  namespace: Name.optional().describe("Without it the context's own"),
  release: Name.optional().describe("The release, where there is more than one"),
  chart: Text.optional().describe("The release's chart, as name-version"),
  version: Text.optional().describe("The product's version, where nothing tells it"),
  claim: Name.optional().describe("The PersistentVolumeClaim that holds the data"),
  subPath: SubPath.optional().describe("The data folder on the volume; empty is its root"),
  mount: z
    .string()
    .regex(/^\//, { error: "must be an absolute path" })
    .optional()
    .describe("Where the application mounts the data folder"),
  secret: Name.optional().describe("The Secret that holds the database's log-in"),
  database: Database.optional().describe("What of the database is not to be discovered"),
  deployments: z
    .array(Name)
    .optional()
    .describe("The Deployments that are scaled down (source) or restarted (destination)"),
};

const ClusterSource = z.strictObject(clusterFields);

const ClusterDestination = z.strictObject({
  ...clusterFields,
  transport: z
    .enum(["auto", "direct", "exec"])
    .optional()
    .describe("How files get there: straight to the receiver's pod, or over the exec stream"),
  link: z
    .enum(["auto", "direct", "relay", "port-forward"])
    .optional()
    .describe("How documents get there: straight, through the receiver, or by port-forward"),
  image: Text.optional().describe("The receiver's image, where it is not the manager's"),
  imagePullSecret: Name.optional().describe("A Secret with the registry's log-in"),
  pod: Name.optional().describe("A pod that receives the files, in place of one of ours"),
  container: Name.optional().describe("Its container, where it has more than one"),
  ownership: z
    .enum(["inherit", "map", "preserve"])
    .optional()
    .describe("Whose the files are at the destination"),
  usermap: IdTable.optional().describe("What users become with the ownership map: FROM:TO,..."),
  groupmap: IdTable.optional().describe("What groups become with the ownership map: FROM:TO,..."),
  chown: Chown.optional().describe("Whose all files become with the ownership map: UID:GID"),
});

const LocalSide = z.strictObject({
  dir: Text.describe("The data folder; relative to the network config's own folder"),
  uriFile: Text.optional().describe("A file that holds the database's MongoDB URI"),
  database: Text.optional().describe("The database's name"),
});
export type LocalSide = z.infer<typeof LocalSide>;

/** Both sides of a migration, as people write them down. */
export const NetworkConfig = z.strictObject({
  $schema: z.string().optional().describe("For editors"),
  source: z.union([ClusterSource, LocalSide]).describe("Where it is moved from"),
  destination: z.union([ClusterDestination, LocalSide]).describe("Where it is moved to"),
});
export type NetworkConfig = z.infer<typeof NetworkConfig>;
export type ClusterSourceConfig = z.infer<typeof ClusterSource>;
export type ClusterDestinationConfig = z.infer<typeof ClusterDestination>;
/** A side in a cluster, whichever it is. */
export type ClusterSideConfig = ClusterSourceConfig | ClusterDestinationConfig;

export function isClusterSide<T extends ClusterSideConfig>(side: T | LocalSide): side is T {
  return "cluster" in side;
}
