/** How to reach a cluster's API; see config/network.ts for what each field means to people. */
export type ClusterAccess =
  | { kubeconfig?: string | undefined; context?: string | undefined }
  | ServerAccess
  | { inCluster: true };

/** By URL. Files are read again before they are used, as their content is renewed. */
export interface ServerAccess {
  server: string;
  tokenFile?: string | undefined;
  clientCertificateFile?: string | undefined;
  clientKeyFile?: string | undefined;
  caFile?: string | undefined;
  tlsServerName?: string | undefined;
  insecureSkipTlsVerify?: boolean | undefined;
  proxyUrl?: string | undefined;
}
