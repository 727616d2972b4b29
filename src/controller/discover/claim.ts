import { MigrationError } from "../../core/errors.ts";
import type { Pod } from "../../kube/pod.ts";
import type { PersistentVolumeClaim } from "../../kube/storage.ts";
import { byConfig, flagOf, onlyOne } from "./choose.ts";
import { dataMounts, mountingWorkloads } from "./data-mount.ts";
import type { DiscoveredClaim, Found } from "./discovered.ts";
import { chartOf, isOneOf, releaseOf } from "./helm-labels.ts";
import { matchName } from "./names.ts";
import { isOf, type Release } from "./release.ts";
import type { Search } from "./search.ts";

/** The claim of the volume that holds the data, and what there is to know of it. */
export async function findClaim(
  search: Search,
  release: Release,
  mount: string,
): Promise<Found<DiscoveredClaim>> {
  const told = findName(search, release, mount);
  if (told === undefined) throw notTold(search, release);
  const claim = search.objects.claims.find(({ metadata }) => metadata.name === told.value);
  if (claim === undefined) throw notThere(search, told);
  const value = describe(claim, search.objects.pods);
  if (value.phase !== "Bound") {
    search.warn(`PersistentVolumeClaim "${value.name}" is ${value.phase}`);
  }
  if (claim.metadata.deletionTimestamp !== undefined) {
    search.warn(`PersistentVolumeClaim "${value.name}" is Terminating`);
  }
  return { value, from: told.from };
}

function findName(search: Search, release: Release, mount: string): Found<string> | undefined {
  const { config } = search;
  if (config.claim !== undefined) return { value: config.claim, from: byConfig };
  const wanted = { ...search, what: "claims that may hold the data", field: "claim" };
  const mounted = mountedClaims(search, release, mount);
  const { settings } = release;
  if (settings?.claim !== undefined) {
    warnOfOther(search, settings.claim, mounted);
    return { value: settings.claim, from: settings.from };
  }
  return onlyOne(mounted, wanted) ?? onlyOne(ownClaims(search, release), wanted);
}

function mountedClaims(search: Search, release: Release, mount: string): Found<string>[] {
  return mountingWorkloads(search, release).flatMap(({ spec, from }) =>
    dataMounts(spec, mount).map(({ claim }) => ({ value: claim, from })),
  );
}

/** The configuration goes first; that the pods run with another one is worth a word. */
function warnOfOther({ warn }: Search, claim: string, mounted: readonly Found<string>[]) {
  const other = mounted.find(({ value }) => value !== claim);
  if (other === undefined) return;
  warn(`${other.from} mounts claim "${other.value}", but "${claim}" is configured and is taken`);
}

/** By their name, and that they say no other release; else by the labels alone. */
function ownClaims({ known, objects }: Search, release: Release): Found<string>[] {
  const called = objects.claims.filter(({ metadata }) => {
    const shortName = matchName(known.claims, metadata.name);
    return shortName !== undefined && isOf(release, { labels: metadata.labels ?? {} }, shortName);
  });
  const labelled = objects.claims.filter(({ metadata: { labels } }) => {
    const chart = chartOf(labels);
    return (
      chart !== undefined &&
      isOneOf(chart, known.charts) &&
      releaseOf(labels) === release.name.value
    );
  });
  return (called.length > 0 ? called : labelled).map(({ metadata: { name } }) => ({
    value: name,
    from: `PersistentVolumeClaim "${name}"`,
  }));
}

function describe(claim: PersistentVolumeClaim, pods: readonly Pod[]): DiscoveredClaim {
  const { metadata, spec, status } = claim;
  const accessModes = status?.accessModes ?? spec.accessModes ?? [];
  const capacity = status?.capacity?.["storage"] ?? spec.resources?.requests?.["storage"];
  const node = isOfOneNode(accessModes) ? nodeOf(metadata.name, pods) : undefined;
  return {
    name: metadata.name,
    uid: metadata.uid ?? "",
    phase: status?.phase ?? "Pending",
    accessModes,
    ...(capacity === undefined ? {} : { capacity }),
    ...(spec.storageClassName === undefined ? {} : { storageClass: spec.storageClassName }),
    ...(node === undefined ? {} : { node }),
  };
}

function isOfOneNode(accessModes: readonly string[]): boolean {
  return accessModes.length > 0 && accessModes.every((mode) => /^ReadWriteOnce(Pod)?$/.test(mode));
}

/** A pod that is about to go holds the volume still. */
function nodeOf(claim: string, pods: readonly Pod[]): string | undefined {
  const holder = pods.find(
    ({ spec, status }) =>
      spec.nodeName !== undefined &&
      !["Succeeded", "Failed"].includes(status?.phase ?? "") &&
      spec.volumes?.some((volume) => volume.persistentVolumeClaim?.claimName === claim),
  );
  return holder?.spec.nodeName;
}

function notTold(search: Search, release: Release): MigrationError {
  const { side, namespace, objects } = search;
  const names = objects.claims.map(({ metadata }) => metadata.name).join(", ");
  return new MigrationError(
    "E_DISCOVERY",
    `Nothing in the ${side}'s namespace "${namespace}" tells the claim of release "${release.name.value}"`,
    {
      hint: `Give it with ${flagOf({ side, field: "claim" })}; there is ${names === "" ? "none" : names}`,
    },
  );
}

function notThere({ side, namespace, objects }: Search, told: Found<string>): MigrationError {
  const mayList = !objects.refused.includes("persistentvolumeclaims");
  const message = mayList
    ? `There is no PersistentVolumeClaim "${told.value}" in the ${side}'s namespace "${namespace}"`
    : `PersistentVolumeClaims may not be listed in the ${side}'s namespace "${namespace}"`;
  const names = objects.claims.map(({ metadata }) => metadata.name).join(", ");
  return new MigrationError(mayList ? "E_DISCOVERY" : "E_PERMISSION", message, {
    hint: mayList
      ? `${told.from} names it; there is ${names === "" ? "none" : names}: give ${flagOf({ side, field: "claim" })}`
      : `Bind the Role that "migctl rbac --side ${side}" prints`,
  });
}
