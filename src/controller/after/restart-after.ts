import type { Clock } from "../../core/clock.ts";
import { asMigrationError } from "../../core/errors.ts";
import type { Cluster } from "../../kube/cluster.ts";
import { deployments } from "../../kube/resources.ts";
import { untilRolledOut } from "./rollout.ts";

export interface RestartOptions {
  /** The destination's. */
  cluster: Cluster;
  namespace: string;
  /** The Deployments to restart, as discovery found them. */
  restarts: readonly { name: string }[];
  /** Whether it was agreed to: `--after run`. */
  consent: boolean;
  /** How long all of them may take together. */
  timeoutSeconds: number;
  clock: Clock;
  signal: AbortSignal;
}

export interface Restarted {
  /** What was done, and what is left for people to do, with the reason where it was tried. */
  done: string[];
  todo: string[];
}

/** What `kubectl rollout restart` sets. */
const restartedAt = "kubectl.kubernetes.io/restartedAt";

/**
 * Restarts the destination's Deployments that must see the documents anew, and waits until they
 * are rolled out. What fails is told as left to do: the migration itself has succeeded.
 */
export async function restartAfter(options: RestartOptions): Promise<Restarted> {
  const { consent, restarts, clock, timeoutSeconds } = options;
  const result: Restarted = { done: [], todo: [] };
  const begun: string[] = [];
  for (const { name } of restarts) {
    if (!consent) result.todo.push(restartText(options, name));
    else if (await attempt(options, { name, result }, restart)) begun.push(name);
  }
  const deadline = clock.elapsed() + timeoutSeconds * 1000;
  for (const name of begun) {
    const isDone = await attempt(options, { name, result }, () =>
      untilRolledOut({ ...options, deadline }, name),
    );
    if (isDone) result.done.push(`restarted Deployment "${name}"`);
  }
  return result;
}

function restartText({ namespace }: RestartOptions, name: string): string {
  return `restart Deployment "${name}": kubectl rollout restart deployment/${name} -n ${namespace}`;
}

interface One {
  name: string;
  result: Restarted;
}

/** False where it failed; only a stop is thrown. */
async function attempt(
  options: RestartOptions,
  { name, result }: One,
  work: (options: RestartOptions, name: string) => Promise<unknown>,
): Promise<boolean> {
  options.signal.throwIfAborted();
  try {
    await work(options, name);
    return true;
  } catch (thrown) {
    options.signal.throwIfAborted();
    const { message, hint } = asMigrationError(thrown);
    const reason = hint === undefined ? message : `${message} (${hint})`;
    result.todo.push(`${restartText(options, name)}; it was tried: ${reason}`);
    return false;
  }
}

async function restart({ cluster, namespace, clock }: RestartOptions, name: string) {
  const annotations = { [restartedAt]: new Date(clock.now()).toISOString() };
  const patch = { spec: { template: { metadata: { annotations } } } };
  await cluster.patch(deployments, { namespace, name }, patch);
}
