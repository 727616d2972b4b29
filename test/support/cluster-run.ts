import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { z } from "zod";
import { Pod } from "../../src/kube/pod.ts";
import type { KubeObject } from "../../src/kube/resource.ts";
import type { Status } from "../../src/state/status.ts";
import type { ClusterBed } from "./deploy-bed.ts";
import { programs, type Ran } from "./migration.ts";

/** A migctl that runs, and can be killed. */
export interface RunningMigctl {
  pid: number;
  /** What it told people so far. */
  told(): string;
  kill(): void;
  ended: Promise<Ran>;
}

/** As the bed's own `migctl`, without waiting for its end. */
export function spawnMigctl({ network }: ClusterBed, ...args: string[]): RunningMigctl {
  const child = execa(process.execPath, [programs.migctl, ...args, "--network", network], {
    reject: false,
    env: { KUBECONFIG: "/dev/null", HOME: "/nowhere" },
    stdin: "ignore",
  });
  let told = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    told += text;
  });
  return {
    pid: child.pid ?? 0,
    told: () => told,
    kill: () => void child.kill("SIGKILL"),
    ended: child.then(({ exitCode, stdout, stderr }) => ({
      ...{ code: exitCode ?? null, stdout, stderr },
    })),
  };
}

/** The status on the source's volume, read as a bystander does: it may be replaced at any moment. */
export function statusOnVolume({ source }: ClusterBed, name: string): Status | undefined {
  try {
    const path = join(source.data, "logs/migrations", name, "status.json");
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

export function stepOf(status: Status | undefined, id: string) {
  return status?.items.flatMap(({ steps }) => steps).find((step) => step.id === id);
}

/** How often each step was begun. */
export function attemptsOf(status: Status | undefined): Record<string, number> {
  const steps = status?.items.flatMap((item) => item.steps) ?? [];
  return Object.fromEntries(steps.map(({ id, attempts }) => [id, attempts]));
}

/** The steps that are done, with how often each was begun. */
export function doneSteps(status: Status | undefined): Record<string, number> {
  const steps = status?.items.flatMap((item) => item.steps) ?? [];
  const done = steps.filter(({ state }) => state === "done");
  return Object.fromEntries(done.map(({ id, attempts }) => [id, attempts]));
}

/** The manager's pods of a migration, but for those that are being ended. */
export async function managerPods({ cluster, source }: ClusterBed, name: string): Promise<Pod[]> {
  const all = pods(await cluster.list("pods", source.namespace, labelsOf(name, "manager")));
  return all.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** Its receivers at the destination. */
export async function receiverPods(
  { cluster, destination }: ClusterBed,
  name: string,
): Promise<Pod[]> {
  return pods(await cluster.list("pods", destination.namespace, labelsOf(name, "receiver")));
}

function pods(objects: unknown[]): Pod[] {
  return z.array(Pod).parse(objects);
}

function labelsOf(name: string, component: string): string {
  return `app.kubernetes.io/instance=${name},app.kubernetes.io/component=${component}`;
}

export function restartsOf(pods: readonly Pod[]): number[] {
  return pods.flatMap(({ status }) =>
    (status?.containerStatuses ?? []).map(({ restartCount }) => restartCount ?? 0),
  );
}

/** Returns what `look` finds, once it finds something. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  seconds = 180,
): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`It did not come to that: ${what}`);
    await sleep(50);
  }
}

/** Applies what `migctl render` prints, after a change. */
export async function applyChanged(
  { migctl, cluster }: ClusterBed,
  args: string[],
  change: (object: KubeObject) => void,
) {
  const { stdout } = await migctl("render", "--with-secrets", "-o", "json", ...args);
  const { items } = JSON.parse(stdout) as { items: KubeObject[] };
  for (const object of items) change(object);
  await cluster.apply(...items);
}

/** How the start ended that a migration's Deployment is of; undefined until then. */
export async function resultOf({ cluster, source }: ClusterBed, name: string) {
  const { metadata } = await cluster.get("deployment", name, source.namespace);
  const attempt = metadata.annotations?.["migctl/attempt"];
  const path = join(source.data, "logs/migrations", name, `result-${attempt}.json`);
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
