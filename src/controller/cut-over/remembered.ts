import { hasCode, MigrationError } from "../../core/errors.ts";
import type { Cluster } from "../../kube/cluster.ts";
import type { ConfigMap } from "../../kube/namespace-objects.ts";
import type { KubeObject } from "../../kube/resource.ts";
import { configMaps } from "../../kube/resources.ts";
import { componentLabel, managedBy, migrationLabel, selectorOf } from "../labels.ts";

/** A migration by its name, in the source's namespace. */
export interface Place {
  cluster: Cluster;
  namespace: string;
  name: string;
}

/** What a migration has scaled down, and how many replicas each Deployment had before. */
export interface Remembered {
  /** Of the migration. */
  name: string;
  replicas: ReadonlyMap<string, number>;
  /** The migration has succeeded since: the source stays down until somebody resumes it. */
  isCutOver: boolean;
}

const quiesceComponent = "quiesce";
const cutOverAnnotation = "migctl/cut-over";

function mapName(name: string): string {
  return `${name}-quiesce`;
}

/** Undefined where nothing is quiesced for the migration. */
export async function readRemembered({
  cluster,
  namespace,
  name,
}: Place): Promise<Remembered | undefined> {
  const found = await cluster.get(configMaps, mapName(name), namespace);
  return found === undefined ? undefined : parse(found);
}

/** Of all migrations of the namespace. */
export async function listRemembered(cluster: Cluster, namespace: string): Promise<Remembered[]> {
  const labels = `${selectorOf()},${componentLabel}=${quiesceComponent}`;
  return (await cluster.list(configMaps, namespace, { labels })).map(parse);
}

/**
 * Keeps the numbers where a controller that is killed cannot lose them. What is remembered already
 * stays as it is: it is from before the Deployments were scaled down. Returns all of it.
 */
export async function remember(
  place: Place,
  replicas: ReadonlyMap<string, number>,
): Promise<Remembered> {
  const known = await readRemembered(place);
  if (known === undefined) return await createRemembered(place, replicas);
  const all = new Map([...replicas, ...known.replicas]);
  if (all.size > known.replicas.size) await place.cluster.apply(toObject(place, all));
  return { ...known, replicas: all };
}

async function createRemembered(
  place: Place,
  replicas: ReadonlyMap<string, number>,
): Promise<Remembered> {
  try {
    await place.cluster.create(toObject(place, replicas));
    return { name: place.name, replicas, isCutOver: false };
  } catch (error) {
    // Another controller was faster, and may have scaled down since: its numbers are the right ones.
    if (hasCode(error, "E_EXISTS")) {
      return await remember(place, replicas);
    }
    throw error;
  }
}

/** Has another migration, which needs the Deployment down as well, put it back in the end. */
export async function handOver(place: Place, to: Remembered, [writer, replicas]: [string, number]) {
  const known = to.replicas.get(writer) ?? 0;
  if (known >= replicas) return;
  const all = new Map([...to.replicas, [writer, replicas]]);
  await place.cluster.apply(toObject({ ...place, name: to.name }, all));
}

export async function markCutOver({ cluster, namespace, name }: Place, at: Date) {
  const annotations = { [cutOverAnnotation]: at.toISOString() };
  await cluster.patch(
    configMaps,
    { namespace, name: mapName(name) },
    { metadata: { annotations } },
  );
}

export async function forget({ cluster, namespace, name }: Place) {
  await cluster.delete(configMaps, mapName(name), namespace);
}

/** One line for each Deployment: whoever reads it can put them back by hand. */
function toObject({ namespace, name }: Place, replicas: ReadonlyMap<string, number>): KubeObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: mapName(name),
      namespace,
      labels: { ...managedBy, [migrationLabel]: name, [componentLabel]: quiesceComponent },
    },
    data: Object.fromEntries([...replicas].map(([writer, count]) => [writer, String(count)])),
  };
}

function parse({ metadata, data = {} }: ConfigMap): Remembered {
  const replicas = Object.entries(data).map(([writer, text]): [string, number] => {
    if (/^\d{1,9}$/.test(text)) return [writer, Number(text)];
    throw new MigrationError(
      "E_CLUSTER",
      `ConfigMap "${metadata.name}" says "${text}" replicas of Deployment "${writer}", expected a number`,
      { hint: `Correct it with kubectl edit configmap ${metadata.name}` },
    );
  });
  return {
    name: metadata.labels?.[migrationLabel] ?? metadata.name.replace(/-quiesce$/, ""),
    replicas: new Map(replicas),
    isCutOver: metadata.annotations?.[cutOverAnnotation] !== undefined,
  };
}
