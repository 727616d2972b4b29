import type { Clock } from "../../core/clock.ts";
import { MigrationError } from "../../core/errors.ts";
import type { Fingerprint } from "../../plan/fingerprint.ts";
import { describeAutoscalers } from "./autoscalers.ts";
import { listRemembered, type Place, remember } from "./remembered.ts";
import { doubtOf, proveSilence } from "./silence.ts";
import { replicasOf, requireDown, scale, untilGone } from "./writers.ts";

export interface QuiesceOptions extends Place {
  /** The Deployments that write, as discovery found them. */
  writers: readonly { name: string }[];
  /** Has the manager look at the source: `migmgr fingerprint`. */
  ask(): Promise<Fingerprint>;
  /** Between the two looks that must be equal. */
  silenceSeconds: number;
  /** How long the pods may take to end. */
  timeoutSeconds: number;
  clock: Clock;
  signal: AbortSignal;
  /** Told in one sentence what was done and what should be known. */
  say(text: string): void;
}

export interface Quiesced {
  /** What each writer had before. */
  replicas: ReadonlyMap<string, number>;
  /** Of the silent source. */
  fingerprint: Fingerprint;
}

/**
 * Scales the source's writers to 0 and proves that nobody writes any more. How many replicas they
 * had is saved first: wherever this ends, also by a crash, `resumeSource` puts them back.
 */
export async function quiesce(options: QuiesceOptions): Promise<Quiesced> {
  const { signal, clock, timeoutSeconds, say } = options;
  const writers = options.writers.map(({ name }) => name);
  if (writers.length === 0) throw noWriters(options);
  const current = await readReplicas(options, writers);
  await tellOthers(options, writers);
  signal.throwIfAborted();
  const { replicas } = await remember(options, current);
  tellKept(options, { current, replicas });
  for (const writer of writers) {
    signal.throwIfAborted();
    await scale(options, writer, 0);
  }
  say(`Scaled to 0: ${writers.join(", ")}`);
  await untilGone(options, writers, { clock, signal, timeoutSeconds });
  const { ask, silenceSeconds: seconds } = options;
  const fingerprint = await proveSilence({ ask, seconds, signal });
  await requireDown(options, writers);
  const doubt = doubtOf(fingerprint);
  if (doubt !== undefined) say(doubt);
  say(`The source is silent: nothing of it changed within ${seconds} s`);
  return { replicas, fingerprint };
}

async function readReplicas(place: QuiesceOptions, writers: readonly string[]) {
  const current = new Map<string, number>();
  for (const writer of writers) {
    const replicas = await replicasOf(place, writer);
    if (replicas === undefined) throw isGone(place, writer);
    current.set(writer, replicas);
  }
  return current;
}

async function tellOthers(options: QuiesceOptions, writers: readonly string[]) {
  const { cluster, namespace, name, say } = options;
  for (const text of await describeAutoscalers(options, writers)) say(text);
  for (const other of await listRemembered(cluster, namespace)) {
    const shared = writers.filter((writer) => other.replicas.has(writer));
    if (other.name === name || shared.length === 0) continue;
    say(`The migration "${other.name}" holds down already: ${shared.join(", ")}`);
  }
}

interface Counts {
  current: ReadonlyMap<string, number>;
  replicas: ReadonlyMap<string, number>;
}

function tellKept({ say }: QuiesceOptions, { current, replicas }: Counts) {
  for (const [writer, now] of current) {
    const known = replicas.get(writer);
    if (now === known) continue;
    say(`Deployment "${writer}" is remembered with ${known} replicas from before, and has ${now}`);
  }
}

function noWriters({ namespace }: Place): MigrationError {
  return new MigrationError(
    "E_REFUSED",
    `No Deployment that writes is known in the source's namespace "${namespace}", so nothing can be quiesced`,
    { hint: "Name them as deployments of the source in the network config" },
  );
}

function isGone({ namespace }: Place, writer: string): MigrationError {
  return new MigrationError(
    "E_DISCOVERY",
    `There is no Deployment "${writer}" in the source's namespace "${namespace}" any more`,
    { hint: "Start again: what writes is looked for anew; nothing was scaled" },
  );
}
