import { MigrationError } from "../../core/errors.ts";
import { flagOf } from "./choose.ts";
import { workloadsCalled } from "./data-mount.ts";
import type { DiscoveredDeployment } from "./discovered.ts";
import type { Release } from "./release.ts";
import type { Search } from "./search.ts";
import type { FoundWorkload } from "./workloads.ts";

/** The source's Deployments that write. */
export function findWriters(search: Search, release: Release): DiscoveredDeployment[] {
  if (search.side !== "source") return [];
  const found = findDeployments(search, release, search.application.writers);
  if (found.length === 0 && search.application.writers.length > 0) {
    search.warn("No Deployment that writes was found: nothing can be quiesced");
  }
  return found;
}

/** The destination's Deployments that must be restarted after a migration. */
export function findRestarts(search: Search, release: Release): DiscoveredDeployment[] {
  if (search.side !== "destination") return [];
  const called = search.application.after.flatMap(({ restart }) => restart ?? []);
  return findDeployments(search, release, called);
}

/** By what the description calls them, or by their names where the config gives those. */
function findDeployments(
  search: Search,
  release: Release,
  called: readonly string[],
): DiscoveredDeployment[] {
  const { config, known, objects } = search;
  const all = objects.workloads.filter(({ kind }) => kind === "Deployment");
  if (config.deployments !== undefined) {
    return config.deployments.map((name) => named(search, all, name));
  }
  const patterns = called.map((one) => known.deployments[one] ?? [one]);
  const found = patterns.flatMap((names) => workloadsCalled(names, all, release));
  return [...new Set(found)].map(({ name, replicas }) => ({ name, replicas }));
}

function named(
  { side, namespace, objects }: Search,
  all: readonly FoundWorkload[],
  name: string,
): DiscoveredDeployment {
  const found = all.find((one) => one.name === name);
  if (found !== undefined || objects.refused.includes("deployments")) {
    return { name, replicas: found?.replicas };
  }
  const names = all.map((one) => one.name).join(", ");
  throw new MigrationError(
    "E_DISCOVERY",
    `There is no Deployment "${name}" in the ${side}'s namespace "${namespace}"`,
    {
      hint: `Correct ${flagOf({ side, field: "deployments" }, "{a,b}")}; there is ${names === "" ? "none" : names}`,
    },
  );
}
