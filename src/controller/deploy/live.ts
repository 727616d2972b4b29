import { parseJson } from "../../core/parse-json.ts";
import type { Cluster } from "../../kube/cluster.ts";
import type { Pod } from "../../kube/pod.ts";
import { configMaps, deployments, jobs, pods } from "../../kube/resources.ts";
import type { Job, Workload } from "../../kube/workloads.ts";
import { Plan } from "../../plan/plan.ts";
import { managerSelector, migrationLabel } from "../labels.ts";

/** A migration whose Deployment or Job is in the namespace. */
export interface LiveMigration {
  name: string;
  kind: "Deployment" | "Job";
  object: Workload | Job;
  /** Undefined where its ConfigMap is gone. */
  plan: Plan | undefined;
  /** The newest pod that is not being ended. */
  pod: Pod | undefined;
}

/** All migrations of a namespace that were started and not deleted, the newest first. */
export async function listLive(
  cluster: Cluster,
  namespace: string,
  name?: string,
): Promise<LiveMigration[]> {
  const labels = managerSelector(name);
  const [ofDeployments, ofJobs, maps, running] = await Promise.all([
    cluster.list(deployments, namespace, { labels }),
    cluster.list(jobs, namespace, { labels }),
    cluster.list(configMaps, namespace, { labels }),
    cluster.list(pods, namespace, { labels }),
  ]);
  const plans = new Map(maps.map(({ metadata, data }) => [nameOf(metadata), data?.["plan.json"]]));
  function live(kind: LiveMigration["kind"], object: Workload | Job): LiveMigration {
    const own = nameOf(object.metadata);
    return { name: own, kind, object, plan: planOf(plans.get(own)), pod: newestPod(running, own) };
  }
  return [
    ...ofDeployments.map((object) => live("Deployment", object)),
    ...ofJobs.map((object) => live("Job", object)),
  ].sort((a, b) => createdAt(b.object).localeCompare(createdAt(a.object)));
}

function nameOf(metadata: { name: string; labels?: Record<string, string> | undefined }): string {
  return metadata.labels?.[migrationLabel] ?? metadata.name;
}

function createdAt({ metadata }: Pick<Pod, "metadata">): string {
  return metadata.creationTimestamp ?? "";
}

function newestPod(all: readonly Pod[], name: string): Pod | undefined {
  return all
    .filter(({ metadata }) => nameOf(metadata) === name && metadata.deletionTimestamp === undefined)
    .sort((a, b) => createdAt(b).localeCompare(createdAt(a)))[0];
}

function planOf(text = ""): Plan | undefined {
  return Plan.safeParse(parseJson(text)).data;
}
