import { hasCode } from "../../core/errors.ts";
import { runProcess } from "../../core/process.ts";
import { configMaps, secrets } from "../../kube/resources.ts";
import { isOneOf } from "./helm-labels.ts";
import {
  fromHelm2ConfigMap,
  fromHelm3Secret,
  fromHelmList,
  type HelmRelease,
} from "./helm-record.ts";
import { ifPermitted } from "./permitted.ts";
import type { Search } from "./search.ts";

/** The releases of the application's charts that Helm keeps in the cluster, as far as it may be seen. */
export async function recordedReleases(search: Search): Promise<HelmRelease[]> {
  const { cluster, namespace, options } = search;
  const [helm3, helm2] = await Promise.all([
    ifPermitted(cluster.list(secrets, namespace, { ...options, labels: "owner=helm" })),
    ifPermitted(cluster.list(configMaps, "kube-system", { ...options, labels: "OWNER=TILLER" })),
  ]);
  const newest3 = newestOf(helm3 ?? [], "name", "version", "status").map(fromHelm3Secret);
  const newest2 = newestOf(helm2 ?? [], "NAME", "VERSION", "STATUS").map(fromHelm2ConfigMap);
  return ofApplication(search, [...newest3, ...newest2]);
}

/** The releases that the host's own Helm lists; none where the host has none. */
export async function listedReleases(search: Search): Promise<HelmRelease[]> {
  for (const program of search.helm) {
    const args = ["list", "--namespace", search.namespace, "--output", "json"];
    const result = await runProcess(program, args, search.options).catch(whereMissing);
    if (result?.exitCode !== 0) continue;
    const releases = fromHelmList(result.stdout, program);
    if (releases !== undefined) return ofApplication(search, releases);
    search.warn(`"${program}" printed no list of releases`);
  }
  return [];
}

function whereMissing(error: unknown): undefined {
  if (hasCode(error, "E_PROGRAM")) return undefined;
  throw error;
}

function ofApplication(
  { namespace, known }: Search,
  releases: readonly (HelmRelease | undefined)[],
): HelmRelease[] {
  return releases.flatMap((one) => {
    if (one === undefined || !isOneOf(one.chart, known.charts)) return [];
    return one.namespace === undefined || one.namespace === namespace ? [one] : [];
  });
}

interface Labelled {
  metadata: { labels?: Record<string, string> | undefined };
}

/** Of each release the newest revision that is deployed. */
function newestOf<T extends Labelled>(
  objects: readonly T[],
  ...[name, version, status]: [string, string, string]
): T[] {
  const newest = new Map<string, T>();
  const revision = (one: T | undefined) => Number(one?.metadata.labels?.[version] ?? -1);
  for (const one of objects) {
    const labels = one.metadata.labels ?? {};
    if (labels[status]?.toLowerCase() !== "deployed") continue;
    const key = labels[name] ?? "";
    if (revision(one) > revision(newest.get(key))) newest.set(key, one);
  }
  return [...newest.values()];
}
