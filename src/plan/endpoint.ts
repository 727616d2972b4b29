import { z } from "zod";
import { DatabaseRef } from "./steps.ts";

const Place = {
  /** The data folder, as the program that works on it sees it. */
  dir: z.string(),
  database: DatabaseRef.optional(),
  /** Tells this place from any other; part of the name of the ledger's folder. */
  identity: z.string(),
};

/** One side on this machine: a directory, and a database where documents are moved. */
const LocalEndpoint = z.strictObject({ kind: z.literal("local"), ...Place });

/** What an endpoint is made of in its cluster, as discovery found it. */
const InCluster = z.strictObject({
  /** The API's URL, and the uid of kube-system where it may be read: which cluster it is. */
  server: z.string(),
  uid: z.string().optional(),
  namespace: z.string(),
  /** Where it may be read. */
  namespaceUid: z.string().optional(),
  claim: z.strictObject({ name: z.string(), uid: z.string(), subPath: z.string().optional() }),
  release: z.strictObject({ name: z.string(), chart: z.string().optional() }),
  /** The product's own version, where the side tells it. */
  version: z.string().optional(),
});

/** The side whose volume is mounted in the manager's own pod. */
export const ClusterSource = z.strictObject({
  kind: z.literal("cluster"),
  ...Place,
  cluster: InCluster,
});
export type ClusterSource = z.infer<typeof ClusterSource>;

/** How the manager reaches the API of the destination, with files of its pod. */
const ServerAccess = z.strictObject({
  server: z.string(),
  tokenFile: z.string().optional(),
  clientCertificateFile: z.string().optional(),
  clientKeyFile: z.string().optional(),
  caFile: z.string().optional(),
  tlsServerName: z.string().optional(),
  insecureSkipTlsVerify: z.boolean().optional(),
  proxyUrl: z.string().optional(),
});

/** Where files are received: a pod of ours, or one that is there already. */
const Receiver = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("own"),
    /** A file with the Pod as JSON, complete but for its owner. */
    manifest: z.string(),
    /** Of the TLS listener. */
    port: z.number().int(),
  }),
  z.strictObject({
    /** The endpoint's folder is as this pod mounts it. */
    kind: z.literal("existing"),
    pod: z.string(),
    container: z.string(),
  }),
]);

const transports = ["auto", "direct", "exec"] as const;
export const links = ["auto", "direct", "relay", "port-forward"] as const;

/** The side that is reached through its API. */
export const ClusterDestination = z.strictObject({
  kind: z.literal("cluster"),
  ...Place,
  cluster: InCluster,
  access: ServerAccess,
  receiver: Receiver,
  /** Files: straight to the receiver's port, or over the exec stream of the API. */
  transport: z.enum(transports),
  /** Documents: straight, through the receiver, or by port-forward through the API. */
  link: z.enum(links),
});
export type ClusterDestination = z.infer<typeof ClusterDestination>;

export const SourceEndpoint = z.discriminatedUnion("kind", [LocalEndpoint, ClusterSource]);
export type SourceEndpoint = z.infer<typeof SourceEndpoint>;

export const DestinationEndpoint = z.discriminatedUnion("kind", [
  LocalEndpoint,
  ClusterDestination,
]);
export type DestinationEndpoint = z.infer<typeof DestinationEndpoint>;
