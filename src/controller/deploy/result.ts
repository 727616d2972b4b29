import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { Cluster } from "../../kube/cluster.ts";
import { configMaps } from "../../kube/resources.ts";
import { Plan } from "../../plan/plan.ts";
import { Status } from "../../state/status.ts";
import { componentLabel, managedBy, migrationLabel } from "../labels.ts";

const compress = promisify(gzip);
const expand = promisify(gunzip);

/** What is left in the namespace of a migration whose pod is gone. */
export interface Result {
  plan: Plan;
  status: Status;
}

const statusKey = "status.json.gz";
const planKey = "plan.json.gz";
/** A ConfigMap may hold 1 MiB; base64 makes four bytes of three. */
const largest = 700 * 1024;

function resultName(name: string): string {
  return `${name}-result`;
}

/**
 * Keeps the end of a run in a ConfigMap, so that it is known when pod and Deployment are gone.
 * Outputs of steps that are too long for one are left out: they are on the volume.
 */
export async function saveResult(cluster: Cluster, namespace: string, { plan, status }: Result) {
  const packed = await compress(JSON.stringify(plan));
  let content = await compress(JSON.stringify(status));
  if (content.length + packed.length > largest) {
    content = await compress(JSON.stringify(withoutOutputs(status)));
  }
  await cluster.apply({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: resultName(plan.name),
      namespace,
      labels: { ...managedBy, [migrationLabel]: plan.name, [componentLabel]: "result" },
    },
    binaryData: {
      [statusKey]: content.toString("base64"),
      [planKey]: packed.toString("base64"),
    },
  });
}

function withoutOutputs(status: Status): Status {
  const items = status.items.map((item) => ({
    ...item,
    steps: item.steps.map(({ output: _, ...step }) => step),
  }));
  return { ...status, items };
}

/** What earlier runs left, the newest first. */
export async function listResults(cluster: Cluster, namespace: string): Promise<Result[]> {
  const labels = Object.entries({ ...managedBy, [componentLabel]: "result" })
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  const found: Result[] = [];
  for (const { binaryData = {} } of await cluster.list(configMaps, namespace, { labels })) {
    const result = await unpack(binaryData);
    if (result !== undefined) found.push(result);
  }
  return found.sort((a, b) => b.status.startedAt - a.status.startedAt);
}

/** How a migration of that name ended before. */
export async function resultOf(
  cluster: Cluster,
  namespace: string,
  name: string,
): Promise<Status | undefined> {
  const all = await listResults(cluster, namespace);
  return all.find(({ plan }) => plan.name === name)?.status;
}

async function unpack(data: Record<string, string>): Promise<Result | undefined> {
  try {
    const [plan, status] = await Promise.all(
      [planKey, statusKey].map(async (key) => {
        const text = await expand(Buffer.from(data[key] ?? "", "base64"));
        return JSON.parse(text.toString("utf8")) as unknown;
      }),
    );
    return { plan: Plan.parse(plan), status: Status.parse(status) };
  } catch {
    // Of another version, or changed by hand: it says nothing that could be relied on.
    return undefined;
  }
}

export async function removeResult(cluster: Cluster, namespace: string, name: string) {
  await cluster.delete(configMaps, resultName(name), namespace);
}
