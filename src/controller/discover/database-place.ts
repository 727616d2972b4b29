import { MigrationError } from "../../core/errors.ts";
import type { Service } from "../../kube/namespace-objects.ts";
import type { Pod } from "../../kube/pod.ts";
import { byConfig, flagOf, onlyOne } from "./choose.ts";
import type { DiscoveredDatabase, Found } from "./discovered.ts";
import { matchName } from "./names.ts";
import { isSelected, sortOut } from "./ready-pods.ts";
import { isOf, type Release } from "./release.ts";
import type { Search } from "./search.ts";
import { toDiscovered } from "./target-pods.ts";

/** Where the database's servers are. */
export type DatabasePlace = Pick<DiscoveredDatabase, "hosts" | "service" | "pods" | "isExternal">;

/** Undefined where nothing tells any server. */
export function findDatabasePlace(search: Search, release: Release): DatabasePlace | undefined {
  const { config, known } = search;
  if (config.database?.uri !== undefined) return external([], byConfig);
  if (config.database?.hosts !== undefined) {
    return external(
      config.database.hosts.map((host) => withPort(host, known)),
      byConfig,
    );
  }
  const { settings } = release;
  if (config.database?.service !== undefined) {
    const [name = "", port] = config.database.service.split(":");
    return byService(search, { value: name, from: byConfig }, port);
  }
  if (settings?.host !== undefined) {
    return byHost(search, { value: settings.host, from: settings.from }, settings.port);
  }
  const wanted = { ...search, what: "Services of the database", field: "database.service" };
  const told = onlyOne(
    search.objects.services.flatMap(({ metadata: { name, labels } }) => {
      const shortName = matchName(known.database.services, name);
      if (shortName === undefined || !isOf(release, { labels: labels ?? {} }, shortName)) return [];
      return [{ value: name, from: `Service "${name}"` }];
    }),
    wanted,
  );
  return told === undefined ? undefined : byService(search, told, undefined);
}

function external(hosts: string[], from: string): DatabasePlace {
  return { hosts: { value: hosts, from }, pods: [], isExternal: true };
}

function withPort(host: string, { database }: Search["known"]): string {
  return /:\d+$/.test(host) ? host : `${host}:${database.port}`;
}

/** What an application connects to: a Service's name in any of its forms, or a host outside. */
function byHost(search: Search, host: Found<string>, port: number | undefined): DatabasePlace {
  const [name = "", namespace, kind] = host.value.split(".");
  const isInside =
    namespace === undefined ||
    (namespace === search.namespace && (kind === undefined || kind === "svc"));
  if (isInside) return byService(search, { ...host, value: name }, port?.toString());
  return external([`${host.value}:${port ?? search.known.database.port}`], host.from);
}

function byService(
  search: Search,
  told: Found<string>,
  givenPort: string | undefined,
): DatabasePlace {
  const { namespace, objects } = search;
  const service = objects.services.find(({ metadata }) => metadata.name === told.value);
  const port = Number(givenPort ?? portOf(search, service));
  if (service === undefined && !objects.refused.includes("services")) {
    throw notThere(search, told);
  }
  if (service?.spec.type === "ExternalName" && service.spec.externalName !== undefined) {
    return external([`${service.spec.externalName}:${port}`], `Service "${told.value}"`);
  }
  return {
    // The namespace in it, as the receiver's pod may ask another one's resolver.
    hosts: { value: [`${told.value}.${namespace}.svc:${port}`], from: told.from },
    service: { name: told.value, port },
    pods: service === undefined ? [] : podsBehind(search, service, port),
    isExternal: false,
  };
}

function portOf({ known }: Search, service: Service | undefined): number {
  const ports = service?.spec.ports ?? [];
  const usual = ports.find(({ port }) => port === known.database.port);
  return usual?.port ?? (ports.length === 1 ? ports[0]?.port : undefined) ?? known.database.port;
}

function podsBehind({ objects, warn }: Search, { metadata, spec }: Service, port: number) {
  const behind = objects.pods.filter((pod) => isSelected(pod.metadata.labels, spec.selector));
  const { ready, unfit } = sortOut(behind);
  if (ready.length === 0) {
    const why = unfit.length === 0 ? "it has none" : unfit.join(", ");
    warn(`No pod behind Service "${metadata.name}" is Ready: ${why}`);
  }
  const target = spec.ports?.find((one) => one.port === port)?.targetPort;
  return ready.map((pod) => {
    const found = targetOf(pod, target ?? port);
    return { ...toDiscovered(pod, found.container), port: found.port ?? port };
  });
}

/** A target may be the name that a container gives its port. */
function targetOf({ spec }: Pod, target: number | string) {
  for (const { name: container, ports = [] } of spec.containers) {
    const port = ports.find((one) => one.name === target || one.containerPort === target);
    if (port !== undefined) return { container, port: port.containerPort };
  }
  const port = typeof target === "number" ? target : undefined;
  return { container: spec.containers[0]?.name ?? "", port };
}

function notThere({ side, namespace }: Search, told: Found<string>): MigrationError {
  return new MigrationError(
    "E_DISCOVERY",
    `There is no Service "${told.value}" in the ${side}'s namespace "${namespace}"`,
    {
      hint: `${told.from} names it; give ${flagOf({ side, field: "database.service" })} or ${flagOf({ side, field: "database.hosts" }, "{host:port}")}`,
    },
  );
}
