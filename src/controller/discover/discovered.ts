import type { Credential } from "../../config/credential.ts";

export type SideName = "source" | "destination";

/** A value, and which object told it: 'ConfigMap "vision-config"', "the network config". */
export interface Found<T> {
  value: T;
  from: string;
}

export interface DiscoveredClaim {
  name: string;
  uid: string;
  /** "Pending", "Bound" or "Lost". */
  phase: string;
  accessModes: string[];
  /** As "40Gi". */
  capacity?: string;
  storageClass?: string;
  /** Where the pods run that use a volume which only one node can mount. */
  node?: string;
}

/** A pod that runs, is Ready and is not about to go. */
export interface DiscoveredPod {
  name: string;
  node?: string;
  /** The container that mounts the data folder; of a database's pod the first one. */
  container: string;
}

/** What scales or is restarted; undefined where its replicas may not be read. */
export interface DiscoveredDeployment {
  name: string;
  replicas: number | undefined;
}

/** Where the database is logged in to. The values stay where they are. */
export interface DatabaseLogin {
  /** A whole URI, which then says all that there is to say. */
  uri?: Found<Credential>;
  username?: Found<string>;
  /** Undefined where there is no log-in, or where nothing could tell it (then a warning does). */
  password?: Found<Credential>;
  authSource?: Found<string>;
}

export interface DiscoveredDatabase {
  name: Found<string>;
  /** `host:port` each, as they are reached from pods of the side; empty where `login.uri` has them. */
  hosts: Found<string[]>;
  /** The Service behind the only host; undefined for servers outside of the namespace. */
  service?: { name: string; port: number };
  /** Ready pods behind the Service with the port of theirs, for a port-forward. */
  pods: (DiscoveredPod & { port: number })[];
  /** Its servers are outside of the namespace. */
  isExternal: boolean;
  login: DatabaseLogin;
  tls?: {
    ca?: Credential;
    certificate?: Credential;
    key?: Credential;
    allowInvalidCertificates: boolean;
  };
  replicaSet?: string;
}

/** What one side consists of. Holds no secret value: it may be printed as it is. */
export interface Discovered {
  side: SideName;
  /** The API's URL. */
  server: string;
  /** Of the namespace kube-system, where it may be read. */
  clusterUid?: string | undefined;
  namespace: Found<string>;
  /** Where it may be read. */
  namespaceUid?: string | undefined;
  release: Found<string>;
  /** As "ibm-visual-inspection-prod-3.0.0". */
  chart?: Found<string> | undefined;
  /** The product's own. */
  version?: Found<string> | undefined;
  claim: Found<DiscoveredClaim>;
  /** The data folder on the volume; empty is its root. */
  subPath: Found<string>;
  /** Where the application mounts the data folder. */
  mount: Found<string>;
  /** Undefined where no database is needed and none was found. */
  database?: DiscoveredDatabase | undefined;
  /** The Secret that holds the log-in. */
  secret?: Found<string> | undefined;
  /** Those that mount the data folder. */
  pods: DiscoveredPod[];
  /** What --quiesce scales down. */
  writers: DiscoveredDeployment[];
  /** What `after` restarts. */
  restarts: DiscoveredDeployment[];
  /** Of the nodes that run the release's pods, as "amd64"; undefined where nodes may not be read. */
  architectures?: string[] | undefined;
  warnings: string[];
}
