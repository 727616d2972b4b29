import type { Application } from "../../config/application.ts";
import type { ClusterRequest } from "../../config/load.ts";
import type { ClusterSideConfig } from "../../config/network.ts";
import { MigrationError } from "../../core/errors.ts";
import type { LimitRange, Node, ResourceQuota } from "../../kube/namespace-objects.ts";
import {
  limitRanges,
  nodes,
  persistentVolumeClaims,
  resourceQuotas,
} from "../../kube/resources.ts";
import type { PersistentVolumeClaim } from "../../kube/storage.ts";
import { needsDatabase } from "../deploy/plan-cluster.ts";
import { type NamespaceSecurity, namespaceSecurity } from "../deploy/platform.ts";
import type { Side } from "../deploy/sides.ts";
import { discover } from "../discover/discover.ts";
import type { Discovered, SideName } from "../discover/discovered.ts";
import { type Answer, answerOf } from "./answer.ts";
import { type AskedRight, askRights, neededRights } from "./rights.ts";

/** What one side's API tells; each part may be missing without the others. */
export interface SideFacts {
  side: SideName;
  server: string;
  version: Answer<string>;
  found: Answer<Discovered>;
  rights: Answer<AskedRight[]>;
  security: Answer<NamespaceSecurity>;
  quotas: Answer<ResourceQuota[]>;
  limits: Answer<LimitRange[]>;
  /** The volume's claim as the API has it. */
  claim: Answer<PersistentVolumeClaim | undefined>;
  nodes: Answer<Node[]>;
}

export interface SideQuestion {
  side: SideName;
  opened: Side<ClusterSideConfig>;
  application: Application;
  request: ClusterRequest;
  signal: AbortSignal;
}

/** Where these keep the version from being told, they keep everything else as well. */
const shuttingOut: ReadonlySet<string | undefined> = new Set([
  ...["E_UNAVAILABLE", "E_AUTHENTICATION", "E_TLS", "E_CONFIG", "E_USAGE"],
]);

/** Whether nothing can be told but why the API cannot be asked. */
export function isShutOut({ version }: Pick<SideFacts, "version">): boolean {
  return shuttingOut.has(version.error?.code);
}

/** Asks one side's API for all that checks need. */
export async function askSide(question: SideQuestion): Promise<SideFacts> {
  const { side, opened, application, signal } = question;
  const { cluster, config } = opened;
  const ask = <T>(work: () => Promise<T>) => answerOf(work, signal);
  const version = await ask(() => cluster.version());
  // Each further question would be repeated for as long as this one was.
  if (version.error !== undefined && isShutOut({ version })) {
    return { ...unopened(side, version.error), server: cluster.server };
  }
  const found = await ask(() =>
    discover({
      ...{ side, config, cluster, application, signal },
      needsDatabase: needsDatabase(question.request),
    }),
  );
  const namespace = found.value?.namespace.value ?? config.namespace ?? cluster.namespace;
  const in_ = () => namespace ?? fail("It is not said which namespace it is");
  const claim = found.value?.claim.value.name;
  const [rights, security, quotas, limits, pvc, allNodes] = await Promise.all([
    ask(async () => askRights(cluster, rightsOf(question, in_(), found.value))),
    ask(async () => namespaceSecurity(cluster, found.value ?? fail("The release was not found"))),
    ask(async () => cluster.list(resourceQuotas, in_(), { signal })),
    ask(async () => cluster.list(limitRanges, in_(), { signal })),
    ask(async () =>
      claim === undefined ? undefined : cluster.get(persistentVolumeClaims, claim, in_()),
    ),
    ask(async () => cluster.list(nodes, undefined, { signal })),
  ]);
  return {
    ...{ side, server: cluster.server, version, found, rights, security, quotas, limits },
    ...{ claim: pvc, nodes: allNodes },
  };
}

/** Those of the run that is asked for: without --quiesce nothing is scaled. */
function rightsOf(
  { side, application, request, opened }: SideQuestion,
  namespace: string,
  found: Discovered | undefined,
) {
  const { cluster: known } = application;
  if (known === undefined) fail("The application does not say how it is found in a cluster");
  const names = (all: readonly { name: string }[] = []) => all.map(({ name }) => name);
  return neededRights({
    ...{ side, namespace, account: "migctl", known, ownSecrets: [], networkPolicy: false },
    secrets: found?.secret === undefined ? [] : [found.secret.value],
    writers: request.quiesce ? names(found?.writers) : [],
    restarts: request.after === "run" ? names(found?.restarts) : [],
    ...("pod" in opened.config ? { pod: opened.config.pod } : {}),
  });
}

function fail(message: string): never {
  throw new MigrationError("E_DISCOVERY", message, { hint: "See what discovery found" });
}

/** An API of which nothing is known but why it cannot be asked. */
export function unopened(side: SideName, error: MigrationError): SideFacts {
  const none = { error };
  return {
    ...{ side, server: "", version: none, found: none, rights: none, security: none },
    ...{ quotas: none, limits: none, claim: none, nodes: none },
  };
}
