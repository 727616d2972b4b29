import { MigrationError } from "../../core/errors.ts";
import { byConfig, flagOf, onlyOne } from "./choose.ts";
import type { Found } from "./discovered.ts";
import { chartOf, isOneOf, releaseOf } from "./helm-labels.ts";
import type { HelmRelease } from "./helm-record.ts";
import { listedReleases, recordedReleases } from "./helm-releases.ts";
import { matchName } from "./names.ts";
import type { Search } from "./search.ts";
import { readSettings, type Settings } from "./settings.ts";
import type { FoundWorkload } from "./workloads.ts";

/** The release that the side is: what tells its objects from another release's. */
export interface Release {
  name: Found<string>;
  /** What the names of its objects begin with. */
  shortName: string | undefined;
  settings: Settings | undefined;
  /** As Helm has it. */
  record: HelmRelease | undefined;
  chart: Found<string> | undefined;
}

export async function findRelease(search: Search): Promise<Release> {
  const all = readSettings(search);
  const records = await recordedReleases(search);
  const listed = await listedWhenNeeded(search, [...all, ...records]);
  const name = chosen(search) ?? told(search, all, [...records, ...listed]);
  if (name === undefined) throw notTold(search);
  const settings = settingsFor(search, name.value, all);
  const record = [...records, ...listed].find((one) => one.name === name.value);
  const release = { name, settings, record, chart: undefined, shortName: settings?.name };
  return {
    ...release,
    shortName: settings?.name ?? shortNameOf(search, release),
    chart: findChart(search, release),
  };
}

function chosen({ config }: Search): Found<string> | undefined {
  return config.release === undefined ? undefined : { value: config.release, from: byConfig };
}

/** By the first kind of object that tells any release at all. */
function told(search: Search, all: Settings[], helm: HelmRelease[]): Found<string> | undefined {
  const wanted = { ...search, what: "releases", field: "release" };
  return (
    onlyOne(
      all.map(({ release, from }) => ({ value: release, from })),
      wanted,
    ) ??
    onlyOne(mountingReleases(search), wanted) ??
    onlyOne(
      helm.map(({ name, from }) => ({ value: name, from })),
      wanted,
    ) ??
    onlyOne(labelledReleases(search), wanted)
  );
}

/** The host's Helm is asked only where the cluster does not tell. */
async function listedWhenNeeded(search: Search, seen: unknown[]): Promise<HelmRelease[]> {
  const isTold = search.config.release !== undefined || seen.length > 0;
  if (isTold || mountingReleases(search).length > 0) return [];
  return labelledReleases(search).length > 0 ? [] : listedReleases(search);
}

/** Of the deployments that mount the data; an exact name tells no release. */
function mountingReleases({ known, objects }: Search): Found<string>[] {
  for (const role of known.mounts) {
    const candidates = objects.workloads.flatMap(({ name, labels, annotations, from }) => {
      const shortName = matchName(known.deployments[role] ?? [], name);
      if (shortName === undefined) return [];
      const value = releaseOf(labels, annotations) ?? shortName;
      return value === "" ? [] : [{ value, from }];
    });
    if (candidates.length > 0) return candidates;
  }
  return [];
}

/** Of whatever says that it is of one of the application's charts. */
function labelledReleases({ known, objects }: Search): Found<string>[] {
  const labelled = [
    ...objects.claims.map(({ metadata }) => ({ ...metadata, kind: "PersistentVolumeClaim" })),
    ...objects.services.map(({ metadata }) => ({ ...metadata, kind: "Service" })),
    ...objects.workloads,
  ];
  return labelled.flatMap(({ kind, name, labels, annotations }) => {
    const chart = chartOf(labels);
    const value = releaseOf(labels, annotations);
    if (chart === undefined || value === undefined || !isOneOf(chart, known.charts)) return [];
    return [{ value, from: `${kind} "${name}"` }];
  });
}

/** Two that say the same release contradict each other: then other objects are asked. */
function settingsFor(search: Search, release: string, all: Settings[]): Settings | undefined {
  const own = all.filter((one) => one.release === release || one.name === release);
  if (own.length > 1) {
    const names = own.map(({ from }) => from).join(" and ");
    search.warn(`${names} both are of release "${release}": neither is used`);
  }
  return own.length === 1 ? own[0] : undefined;
}

/** What the names of the release's deployments begin with, where they agree. */
function shortNameOf({ known, objects }: Search, release: Release): string | undefined {
  const patterns = Object.values(known.deployments).flat();
  const names = objects.workloads.flatMap((workload) => {
    const name = matchName(patterns, workload.name);
    const isOwn = releaseOf(workload.labels, workload.annotations) === release.name.value;
    return name && (isOwn || name === release.name.value) ? [name] : [];
  });
  // A deployment of a longer name, as "vision-video-portal", has its role's at the end as well.
  const shortest = names.sort((a, b) => a.length - b.length)[0];
  return shortest !== undefined && names.every((name) => isPrefix(shortest, name))
    ? shortest
    : undefined;
}

function isPrefix(short: string, name: string): boolean {
  return name === short || name.startsWith(`${short}-`);
}

/** Whether an object is of the release: by its labels, else by what its name begins with. */
export function isOf(
  release: Release,
  { labels, annotations }: Pick<FoundWorkload, "labels"> & { annotations?: Record<string, string> },
  shortName: string,
): boolean {
  const said = releaseOf(labels, annotations);
  if (said !== undefined && said !== release.name.value) return false;
  if (shortName === "" || release.shortName === undefined) return true;
  return shortName === release.shortName;
}

function findChart(search: Search, release: Release): Found<string> | undefined {
  if (search.config.chart !== undefined) return { value: search.config.chart, from: byConfig };
  const { settings, record } = release;
  if (record !== undefined) return { value: record.chart, from: record.from };
  if (settings?.chart !== undefined) return { value: settings.chart, from: settings.from };
  for (const { labels, annotations, from } of search.objects.workloads) {
    const chart = chartOf(labels);
    if (chart === undefined || releaseOf(labels, annotations) !== release.name.value) continue;
    if (isOneOf(chart, search.known.charts)) return { value: chart, from };
  }
  return undefined;
}

function notTold({ side, namespace, application, objects }: Search): MigrationError {
  const unseen =
    objects.refused.length === 0
      ? ""
      : `, and these may not be listed: ${objects.refused.join(", ")}`;
  return new MigrationError(
    "E_DISCOVERY",
    `Nothing in the ${side}'s namespace "${namespace}" tells a release of "${application.application}"${unseen}`,
    { hint: `Check the namespace, or give ${flagOf({ side, field: "release" })}` },
  );
}
