import type { Clock } from "../../core/clock.ts";
import { asMigrationError, MigrationError } from "../../core/errors.ts";
import { untilRolledOut } from "../after/rollout.ts";
import {
  forget,
  handOver,
  listRemembered,
  type Place,
  type Remembered,
  readRemembered,
} from "./remembered.ts";
import { replicasOf, scale } from "./writers.ts";

export interface ResumeOptions extends Place {
  clock: Clock;
  signal: AbortSignal;
  say(text: string): void;
  /** Waits so long for the pods to be available; not at all when absent. */
  readySeconds?: number;
}

export interface Resumed {
  /** What was put back, with the replicas that it has again. */
  resumed: { name: string; replicas: number }[];
  /** Deployments that are not there any more. */
  gone: string[];
  /** Those that another migration holds down, which puts them back when it is resumed. */
  held: { name: string; by: string }[];
}

/**
 * Puts the source's writers back to what they had before they were quiesced for a migration, and
 * forgets it only then: it may be called again after whatever ended it. Undefined where nothing
 * was quiesced.
 */
export async function resumeSource(options: ResumeOptions): Promise<Resumed | undefined> {
  const { cluster, namespace, name, say } = options;
  const remembered = await readRemembered(options);
  if (remembered === undefined) {
    say(`Nothing of the source is quiesced for "${name}"`);
    return undefined;
  }
  const others = (await listRemembered(cluster, namespace)).filter((one) => one.name !== name);
  const result = await putBack(options, remembered, others);
  await forget(options);
  tell(result, say);
  await untilReady(options, result);
  return result;
}

async function putBack(
  options: ResumeOptions,
  { replicas }: Remembered,
  others: readonly Remembered[],
): Promise<Resumed> {
  const result: Resumed = { resumed: [], gone: [], held: [] };
  const failures: MigrationError[] = [];
  for (const entry of replicas) {
    options.signal.throwIfAborted();
    const holder = others.find((other) => other.replicas.has(entry[0]));
    try {
      await putOneBack(options, entry, { holder, result });
    } catch (error) {
      failures.push(asMigrationError(error));
    }
  }
  const [first] = failures;
  if (first !== undefined) throw notAll(options, failures, first);
  return result;
}

async function putOneBack(
  place: Place,
  entry: [writer: string, replicas: number],
  { holder, result }: { holder: Remembered | undefined; result: Resumed },
) {
  const [name, replicas] = entry;
  if (holder !== undefined) {
    await handOver(place, holder, entry);
    result.held.push({ name, by: holder.name });
    return;
  }
  const current = await replicasOf(place, name);
  if (current === undefined) {
    result.gone.push(name);
    return;
  }
  if (current !== replicas) await scale(place, name, replicas);
  result.resumed.push({ name, replicas });
}

function notAll(
  { name }: Place,
  failures: readonly MigrationError[],
  first: MigrationError,
): MigrationError {
  const reasons = failures.map(({ message }) => message).join("; ");
  return new MigrationError(first.code, `The source is not all put back: ${reasons}`, {
    cause: first,
    hint: `Mend it, then run migctl resume-source --name ${name}; what it had is still remembered`,
  });
}

function tell({ resumed, gone, held }: Resumed, say: (text: string) => void) {
  const counts = resumed.map(({ name, replicas }) => `${name} ${replicas}`);
  if (counts.length > 0) say(`Put back, with so many replicas: ${counts.join(", ")}`);
  for (const name of gone) say(`There is no Deployment "${name}" any more: it was not put back`);
  for (const { name, by } of held) {
    say(
      `Deployment "${name}" stays down for the migration "${by}": migctl resume-source --name ${by} puts it back`,
    );
  }
}

async function untilReady(options: ResumeOptions, { resumed }: Resumed) {
  const { cluster, namespace, clock, signal, readySeconds } = options;
  if (readySeconds === undefined) return;
  const deadline = clock.elapsed() + readySeconds * 1000;
  for (const { name } of resumed) {
    await untilRolledOut({ cluster, namespace, clock, signal, deadline }, name);
  }
}
