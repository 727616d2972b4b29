import type { Pod } from "../../kube/pod.ts";
import { byConfig, onlyOne } from "./choose.ts";
import type { Found } from "./discovered.ts";
import { matchName } from "./names.ts";
import { isOf, type Release } from "./release.ts";
import type { Search } from "./search.ts";
import { withoutTrailing } from "./settings.ts";
import type { FoundWorkload } from "./workloads.ts";

/** A container that has the data folder, as the pod's specification says it. */
export interface DataMount {
  claim: string;
  subPath: string;
  mountPath: string;
  container: string;
}

/** Where the application mounts the data folder. */
export function findMountPath({ config, application }: Search, release: Release): Found<string> {
  const { settings } = release;
  if (config.mount !== undefined) return { value: trimmed(config.mount), from: byConfig };
  if (settings?.mount !== undefined) return { value: settings.mount, from: settings.from };
  const from = `application description "${application.application}"`;
  return { value: trimmed(application.mount), from };
}

function trimmed(path: string): string {
  return withoutTrailing(path) ?? path;
}

/** Those of the release that mount the data, the most certain kind of them. */
export function mountingWorkloads({ known, objects }: Search, release: Release): FoundWorkload[] {
  for (const role of known.mounts) {
    const found = workloadsCalled(known.deployments[role] ?? [], objects.workloads, release);
    if (found.length > 0) return found;
  }
  return [];
}

/** The workloads of the release with such a name. */
export function workloadsCalled(
  patterns: readonly string[],
  workloads: readonly FoundWorkload[],
  release: Release,
): FoundWorkload[] {
  return workloads.filter((workload) => {
    const shortName = matchName(patterns, workload.name);
    return shortName !== undefined && isOf(release, workload, shortName);
  });
}

/** What of a volume claim a pod has at a path. */
export function dataMounts(spec: Pod["spec"], mountPath: string): DataMount[] {
  const claims = new Map<string, string>();
  for (const { name, persistentVolumeClaim: claim } of spec.volumes ?? []) {
    if (claim !== undefined) claims.set(name, claim.claimName);
  }
  return spec.containers.flatMap((container) =>
    (container.volumeMounts ?? []).flatMap((mount) => {
      const claim = claims.get(mount.name);
      if (claim === undefined || trimmed(mount.mountPath) !== mountPath) return [];
      return [{ claim, subPath: mount.subPath ?? "", mountPath, container: container.name }];
    }),
  );
}

/** The data folder on the volume; empty is the volume's root. */
export function findSubPath(search: Search, release: Release, mount: string): Found<string> {
  const { config, known, application } = search;
  const { settings } = release;
  if (config.subPath !== undefined) return { value: config.subPath, from: byConfig };
  if (settings?.subPath !== undefined) return { value: settings.subPath, from: settings.from };
  const mounted = mountingWorkloads(search, release).flatMap(({ spec, from }) =>
    dataMounts(spec, mount).map(({ subPath }) => ({ value: subPath, from })),
  );
  const wanted = { ...search, what: "data folders on the volume", field: "subPath" };
  const from = `application description "${application.application}"`;
  return onlyOne(mounted, wanted) ?? { value: known["sub-path"], from };
}
