import type { Duplex, Readable, Writable } from "node:stream";
import type { KubeObject, Resource } from "./resource.ts";

export interface ListOptions {
  /** A label selector, as kubectl's `-l`. */
  labels?: string;
  /** A field selector. */
  fields?: string;
  signal?: AbortSignal;
}

export interface WriteOptions {
  /** All of admission, and nothing is kept. */
  dryRun?: boolean;
  signal?: AbortSignal;
}

export interface DeleteOptions extends WriteOptions {
  /** Only the object with this uid. */
  uid?: string;
  gracePeriodSeconds?: number;
}

export interface Change<T> {
  type: "ADDED" | "MODIFIED" | "DELETED";
  object: T;
}

export interface ContainerRef {
  namespace: string;
  pod: string;
  /** The only one when absent. */
  container?: string;
}

export interface ExecOptions {
  /** False for a command that reads nothing: its `stdin` is closed from the start. */
  stdin?: boolean;
  signal?: AbortSignal;
}

/**
 * A command in a container. Its streams pause when their reader or the network does; both outputs
 * come over one connection, so both must be read (or resumed) until they end.
 *
 * What Kubernetes itself gets wrong, whatever the client, and callers must allow for: a command
 * that ends before it has read its input may never be told as ended, so let it drain the rest
 * (`cat > /dev/null`); and where the container's runtime or the kubelet breaks off, the API server
 * may say Success. An exit code of 0 proves nothing about bulk data: let the command say by a last
 * line, or the protocol over it, that all of it was done.
 */
export interface ExecSession {
  /** Ending it ends the command's standard input; E_VERSION before Kubernetes 1.30. */
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  /** The exit code that the API told; rejects with E_UNAVAILABLE when the stream ended without one. */
  ended: Promise<number>;
  /** Leaves the command; the container's runtime decides what becomes of it. */
  close(): void;
}

export interface LogOptions {
  follow?: boolean;
  /** Lines from the end. */
  tail?: number;
  /** Of the container's instance before this one. */
  previous?: boolean;
  signal?: AbortSignal;
}

/** One question of a SelfSubjectAccessReview. */
export interface Access {
  verb: string;
  /** "" is the core group. */
  group: string;
  resource: string;
  subresource?: string;
  namespace?: string;
  name?: string;
}

export interface AccessAnswer {
  allowed: boolean;
  reason?: string;
}

/**
 * A cluster's API, in Kubernetes' own words. All of it throws MigrationErrors: E_AUTHENTICATION
 * (401), E_PERMISSION (403), E_UNAVAILABLE (no answer), E_CLUSTER (what the API refused, in its
 * words). Names are checked against RFC 1123 before they become part of a URL.
 */
export interface Cluster {
  /** The API's URL, without credentials. */
  readonly server: string;
  /** Of the context, where it names one. */
  readonly namespace: string | undefined;

  /** Undefined where there is none of that name, or no such namespace. */
  get<T>(resource: Resource<T>, name: string, namespace?: string): Promise<T | undefined>;
  /** All pages. */
  list<T>(resource: Resource<T>, namespace?: string, options?: ListOptions): Promise<T[]>;
  /**
   * First what is there, as ADDED, then every change; made anew when the connection ends. It ends
   * only by the signal, whose reason it throws, or by leaving the loop.
   */
  watch<T>(
    resource: Resource<T>,
    namespace: string | undefined,
    options: ListOptions & { signal: AbortSignal },
  ): AsyncIterable<Change<T>>;
  /** Throws E_EXISTS where there is one of that name. */
  create(object: KubeObject, options?: WriteOptions): Promise<KubeObject>;
  /** Server-side apply as field manager "migctl", which takes over what another has set. */
  apply(object: KubeObject, options?: WriteOptions): Promise<KubeObject>;
  /** A JSON merge patch. */
  patch<T>(
    resource: Resource<T>,
    target: { namespace?: string; name: string; subresource?: string },
    patch: unknown,
    options?: WriteOptions,
  ): Promise<void>;
  /** False where there was none. Dependents go too, in the background. */
  delete<T>(
    resource: Resource<T>,
    name: string,
    namespace: string | undefined,
    options?: DeleteOptions,
  ): Promise<boolean>;

  exec(
    target: ContainerRef,
    command: readonly string[],
    options?: ExecOptions,
  ): Promise<ExecSession>;
  /**
   * One connection to a port of a pod. The protocol knows no half-close: ending what is written
   * closes the connection. What the port answers is known only later: a port where nobody listens
   * destroys the stream with E_UNAVAILABLE.
   */
  forward(
    target: { namespace: string; pod: string; port: number },
    signal?: AbortSignal,
  ): Promise<Duplex>;
  logs(target: ContainerRef, options?: LogOptions): Promise<Readable>;

  can(access: Access): Promise<AccessAnswer>;
  /** "v1.34.4". */
  version(): Promise<string>;
  /** The uid of the namespace kube-system; undefined where it must not be read. */
  uid(): Promise<string | undefined>;
  close(): void;
}
