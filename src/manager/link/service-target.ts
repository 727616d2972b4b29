import type { Dial } from "../../core/dial.ts";
import { MigrationError } from "../../core/errors.ts";
import type { Cluster } from "../../kube/cluster.ts";
import type { Service } from "../../kube/namespace-objects.ts";
import type { Pod } from "../../kube/pod.ts";
import { pods, services } from "../../kube/resources.ts";
import { targetText } from "./link-failures.ts";
import type { SocksTarget } from "./socks-handshake.ts";

interface PodPort {
  namespace: string;
  pod: string;
  port: number;
}

/** Tells which port of which pod a host and port of the cluster's network are. */
export type ResolvePod = (target: SocksTarget, signal?: AbortSignal) => Promise<PodPort>;

/** Connects by port-forwards of the API: each connection is one of its own, so none outlives its. */
export function forwardDial(cluster: Pick<Cluster, "forward">, resolve: ResolvePod): Dial {
  return async (target, signal) => cluster.forward(await resolve(target, signal), signal);
}

export interface ResolveOptions {
  /** Where short names are looked up, as from a pod in it. */
  namespace: string;
  /** The cluster's DNS domain; "cluster.local" unless said otherwise. */
  domain?: string;
}

/**
 * Resolves names of Services and of pods behind a headless Service, as the cluster's DNS does. For
 * any other name throws that a port-forward cannot reach it.
 */
export function resolveByServices(
  cluster: Pick<Cluster, "get" | "list">,
  options: ResolveOptions,
): ResolvePod {
  return async (target, signal) => {
    for (const name of namesOf(target.host, options)) {
      const service = await cluster.get(services, name.service, name.namespace);
      if (service === undefined) continue;
      const found = await behind(cluster, { service, namespace: name.namespace, target }, signal);
      if (name.hostname === undefined) return podOfService(service, found, target);
      return podByName(name.hostname, service, { found, target });
    }
    throw unreachable(target, `it is no Service or pod that "${options.namespace}" knows`);
  };
}

interface ClusterName {
  /** Of one pod behind the Service. */
  hostname?: string;
  service: string;
  namespace: string;
}

const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** What a name may mean, the likeliest first: a pod's DNS search list gives the short ones a rest. */
function namesOf(host: string, { namespace, domain = "cluster.local" }: ResolveOptions) {
  const lower = host.toLowerCase().replace(/\.$/, "");
  const suffix = `.svc.${domain}`;
  const full = lower.endsWith(suffix) ? lower.slice(0, -suffix.length) : undefined;
  const short = lower.endsWith(".svc") ? lower.slice(0, -".svc".length) : full;
  const labels = (short ?? lower).split(".");
  if (!labels.every((one) => label.test(one)) || /^\d+$/.test(labels.at(-1) ?? "")) return [];
  const names = short === undefined ? [nameOf([...labels, namespace])] : [];
  return [...names, nameOf(labels)].filter((name) => name !== undefined);
}

function nameOf(labels: readonly string[]): ClusterName | undefined {
  const [first = "", second = "", third = ""] = labels;
  if (labels.length === 2) return { service: first, namespace: second };
  if (labels.length !== 3) return undefined;
  return { hostname: first, service: second, namespace: third };
}

interface Behind {
  service: Service;
  namespace: string;
  target: SocksTarget;
}

interface Found {
  namespace: string;
  /** That run and are not about to end, in an order that stays. */
  pods: Pod[];
}

async function behind(
  cluster: Pick<Cluster, "list">,
  { service, namespace, target }: Behind,
  signal: AbortSignal | undefined,
): Promise<Found> {
  const { name } = service.metadata;
  const { externalName, selector = {} } = service.spec;
  if (externalName !== undefined && externalName !== "") {
    throw unreachable(target, `Service "${name}" only points to "${externalName}"`);
  }
  const labels = Object.entries(selector).map(([key, value]) => `${key}=${value}`);
  if (labels.length === 0) throw unreachable(target, `Service "${name}" has no selector`);
  const options = { labels: labels.join(","), ...(signal === undefined ? {} : { signal }) };
  const all = await cluster.list(pods, namespace, options);
  const running = all.filter(
    ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined && status?.phase === "Running",
  );
  return { namespace, pods: running.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)) };
}

function podOfService(service: Service, found: Found, target: SocksTarget): PodPort {
  const { name } = service.metadata;
  const ready = found.pods.filter(isReady);
  if (ready.length === 0) throw unavailable(target, `no pod of Service "${name}" is ready`);
  const wanted = targetPortOf(service, target);
  for (const pod of ready) {
    const port = typeof wanted === "number" ? wanted : namedPort(pod, wanted);
    if (port !== undefined) return { namespace: found.namespace, pod: pod.metadata.name, port };
  }
  throw unreachable(target, `no pod of Service "${name}" has a port called "${wanted}"`);
}

/** A headless Service's name leads to the pods themselves: there is nobody to change the port. */
function targetPortOf({ metadata, spec }: Service, target: SocksTarget): number | string {
  if (spec.clusterIP === "None") return target.port;
  const tcp = (spec.ports ?? []).filter(({ protocol = "TCP" }) => protocol === "TCP");
  const port = tcp.find((one) => one.port === target.port);
  if (port !== undefined) return port.targetPort ?? port.port;
  const ports = tcp.map((one) => one.port).join(", ") || "none";
  throw unreachable(target, `Service "${metadata.name}" has the ports ${ports}`);
}

function namedPort({ spec }: Pod, name: string): number | undefined {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  const ports = containers.flatMap((container) => container.ports ?? []);
  return ports.find((port) => port.name === name)?.containerPort;
}

/** Ready or not: a member of a replica set is wanted itself, whatever it is doing. */
function podByName(
  hostname: string,
  service: Service,
  { found, target }: { found: Found; target: SocksTarget },
): PodPort {
  const pod = found.pods.find(({ metadata, spec }) => {
    const own = typeof spec["hostname"] === "string" ? spec["hostname"] : metadata.name;
    return own === hostname && spec["subdomain"] === service.metadata.name;
  });
  if (pod !== undefined) {
    return { namespace: found.namespace, pod: pod.metadata.name, port: target.port };
  }
  throw unavailable(target, `no pod "${hostname}" of Service "${service.metadata.name}" runs`);
}

function isReady({ status }: Pod): boolean {
  return (status?.conditions ?? []).some((one) => one.type === "Ready" && one.status === "True");
}

function unreachable(target: SocksTarget, why: string): MigrationError {
  return new MigrationError(
    "E_UNAVAILABLE",
    `A port-forward cannot reach "${targetText(target)}": ${why}`,
    { hint: 'Choose the link "relay": then the receiver pod makes the connections' },
  );
}

/** May be different a little later. */
function unavailable(target: SocksTarget, why: string): MigrationError {
  return new MigrationError(
    "E_UNAVAILABLE",
    `No port-forward to "${targetText(target)}" now: ${why}`,
    { hint: "Look at the pods of the database, then run again" },
  );
}
