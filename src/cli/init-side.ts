import type { Application } from "../config/application.ts";
import type { ClusterConfig } from "../config/network.ts";
import { ChoiceNeeded } from "../controller/discover/choose.ts";
import { discover } from "../controller/discover/discover.ts";
import type { Discovered, SideName } from "../controller/discover/discovered.ts";
import { evidenceOf } from "../controller/doctor/check-found.ts";
import { hasCode, MigrationError } from "../core/errors.ts";
import type { Cluster } from "../kube/cluster.ts";
import { namespaces } from "../kube/resources.ts";
import type { Ask } from "./init-ask.ts";
import { askDatabase } from "./init-database.ts";
import { type Draft, isPlaced, sideOf, withoutSide, withValue } from "./init-draft.ts";
import { askPlace, type Context } from "./init-place.ts";
import type { TypedSecrets } from "./init-secrets.ts";

export interface InitPorts {
  /** Undefined where nobody can be asked. */
  ask: Ask | undefined;
  application: Application;
  /** What the kubeconfig offers. */
  contexts: readonly Context[];
  secrets: TypedSecrets;
  signal: AbortSignal;
  open(side: SideName, cluster: ClusterConfig): Promise<Cluster>;
  say(text: string): void;
}

export interface FoundSide {
  draft: Draft;
  found: Discovered;
}

/** Completes what the draft says of a side: where it is, and what it consists of. */
export async function findSide(draft: Draft, side: SideName, ports: InitPorts): Promise<FoundSide> {
  for (let current = draft; ; current = withoutSide(current, side)) {
    try {
      return await tryOnce(current, side, ports);
    } catch (error) {
      if (!(await isToTryAgain(error, side, ports))) throw error;
    }
  }
}

/** What was answered wrongly can be answered again. */
async function isToTryAgain(error: unknown, side: SideName, { ask, say }: InitPorts) {
  if (ask === undefined || !(error instanceof MigrationError)) return false;
  if (error.kind === "bug" || error.code === "E_INTERRUPTED") return false;
  say(error.message);
  if (error.hint !== undefined) say(`  ${error.hint}`);
  return await ask.yes(`Answer again for the ${side}?`);
}

async function tryOnce(start: Draft, side: SideName, ports: InitPorts): Promise<FoundSide> {
  const { ask, open, say } = ports;
  let draft = start;
  if (!isPlaced(draft, side)) {
    if (ask !== undefined) draft = await askPlace(draft, side, { ...ports, ask });
    else if (side === "destination") throw notSaid();
  }
  const cluster = await open(side, sideOf(draft, side).cluster);
  say(`The ${side}'s API answers: Kubernetes ${await cluster.version()} at ${cluster.server}`);
  if (ask !== undefined) draft = await askNamespace(draft, side, { ask, cluster });
  const chosen = await discoverOrAsk(draft, side, { ports, cluster });
  const { found } = chosen;
  say(`Found at the ${side}:`);
  for (const line of evidenceOf(found)) say(`  ${line}`);
  for (const warning of found.warnings) say(`  Warning: ${warning}`);
  return { found, draft: await askDatabase(chosen.draft, found, ports) };
}

function notSaid(): MigrationError {
  return new MigrationError("E_USAGE", "It is not said where the destination is", {
    hint: "Give --dest-context, or --dest-server with --dest-token-file",
  });
}

async function askNamespace(
  draft: Draft,
  side: SideName,
  { ask, cluster }: { ask: Ask; cluster: Cluster },
): Promise<Draft> {
  if (sideOf(draft, side).namespace !== undefined) return draft;
  const question = `In which namespace is the ${side}?`;
  const names = await namespacesOf(cluster);
  const answer =
    names === undefined
      ? await ask.text(question, { initial: cluster.namespace })
      : await ask.choose(
          question,
          names.map((name) => ({ value: name, label: name })),
          cluster.namespace,
        );
  return withValue(draft, `${side}.namespace`, answer);
}

/** Undefined where they may not be listed. */
async function namespacesOf(cluster: Cluster): Promise<string[] | undefined> {
  try {
    const all = await cluster.list(namespaces);
    const names = all.map(({ metadata }) => metadata.name);
    const own = names.filter((name) => !/^(kube|openshift)-/.test(name));
    return own.length === 0 ? undefined : own.sort();
  } catch (error) {
    if (hasCode(error, "E_PERMISSION")) return undefined;
    throw error;
  }
}

/** Where there is more than one of something, it is asked which one is meant. */
async function discoverOrAsk(
  start: Draft,
  side: SideName,
  { ports, cluster }: { ports: InitPorts; cluster: Cluster },
): Promise<FoundSide> {
  const { ask, application, signal } = ports;
  for (let draft = start; ; ) {
    const config = sideOf(draft, side);
    try {
      const wanted = { side, config, cluster, application, needsDatabase: false, signal };
      return { draft, found: await discover(wanted) };
    } catch (error) {
      if (ask === undefined || !(error instanceof ChoiceNeeded)) throw error;
      const { wanted, candidates, message } = error;
      const byValue = Map.groupBy(candidates, ({ value }) => value);
      const choices = [...byValue].map(([value, told]) => ({
        ...{ value, label: value, hint: told.map(({ from }) => from).join(", ") },
      }));
      const answer = await ask.choose(`${message}: which one?`, choices);
      draft = withValue(draft, `${side}.${wanted.field}`, answer);
    }
  }
}
