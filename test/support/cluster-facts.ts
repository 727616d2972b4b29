import { readdirSync, readFileSync } from "node:fs";
import type { TestCluster } from "./cluster-client.ts";

/** Kinds that come and go by themselves, or hold what is secret by their nature. */
const restless = /^(events|endpoints|endpointslices|pods|replicasets|controllerrevisions)(\.|$)/;

/** Every object of a namespace that stays when nobody changes it, as "kind/name". */
export async function objectsOf(cluster: TestCluster, namespace: string): Promise<string[]> {
  const kinds = await readableKinds(cluster);
  const stay = kinds.filter((kind) => !restless.test(kind)).join(",");
  const names = await cluster.kubectl("get", stay, "-n", namespace, "-o", "name");
  return names.split("\n").filter(Boolean).sort();
}

/** The pods that we made, beside those of the release. */
export async function ownPods(cluster: TestCluster, namespace: string): Promise<string[]> {
  const found = await cluster.list("pods", namespace, "app.kubernetes.io/managed-by=migctl");
  return found.map(({ metadata }) => metadata.name);
}

/** All that the API shows of a namespace to who may not read Secrets. */
export async function shownOf(cluster: TestCluster, namespace: string): Promise<string> {
  const kinds = (await readableKinds(cluster)).filter((kind) => kind !== "secrets").join(",");
  return await cluster.kubectl("get", kinds, "-n", namespace, "-o", "yaml");
}

async function readableKinds(cluster: TestCluster): Promise<string[]> {
  const args = ["--verbs=list", "--namespaced", "-o", "name"];
  const kinds = (await cluster.kubectl("api-resources", ...args)).split("\n").filter(Boolean);
  return kinds.filter((kind) => !kind.endsWith("metrics.k8s.io"));
}

/** Keeps the command line of every process of this machine, which is the node as well. */
export function watchProcesses(): { stop(): string[] } {
  const seen = new Set<string>();
  const timer = setInterval(() => {
    for (const line of commandLines()) seen.add(line);
  }, 50);
  return {
    stop() {
      clearInterval(timer);
      return [...seen];
    },
  };
}

function* commandLines(): Generator<string> {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      yield readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    } catch {
      // It has ended meanwhile.
    }
  }
}
