import type { OutgoingHttpHeaders } from "node:http";
import type { ConnectionOptions } from "node:tls";

/** What goes with one request. */
export interface Credentials {
  headers: OutgoingHttpHeaders;
  tls: Pick<ConnectionOptions, "ca" | "cert" | "key" | "servername" | "rejectUnauthorized">;
}

/** A server and who we are there. */
export interface Login {
  server: URL;
  namespace: string | undefined;
  /** What the configuration names; the environment's proxy is not in it. */
  proxyUrl: string | undefined;
  /** Asked before each request; files are read again. */
  credentials(): Promise<Credentials>;
  /** The server refused them: forget whatever is kept. */
  renew(): Promise<void>;
}
