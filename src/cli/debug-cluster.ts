import { loadClusterRequest } from "../config/load.ts";
import { loadApplication } from "../config/load-application.ts";
import { isClusterSide } from "../config/network.ts";
import type { NetworkFlags } from "../config/network-overlay.ts";
import { folderPart, recordParts, registerDatabases } from "../controller/debug/folder-parts.ts";
import { type Gathered, gather, type Part } from "../controller/debug/gather.ts";
import { logPart } from "../controller/debug/log-parts.ts";
import { type DebugSide, objectParts } from "../controller/debug/object-parts.ts";
import { askPod } from "../controller/deploy/pod-manager.ts";
import { openDestination } from "../controller/deploy/sides.ts";
import { type Answer, answerOf, requireValue } from "../controller/doctor/answer.ts";
import { examine } from "../controller/doctor/doctor.ts";
import { MigrationError } from "../core/errors.ts";
import { migrationFolder } from "../plan/inputs.ts";
import { Collected } from "../state/collect.ts";
import { type ClusterTools, type Source, sourceOf, withNetwork } from "./cluster.ts";
import type { CliContext } from "./context.ts";
import { localParts, networkPart, versionsPart } from "./debug-folder.ts";
import { type ClusterMigration, chooseMigration, migrationsOf } from "./find-in-cluster.ts";
import { withVolumePod } from "./volume-pod.ts";

export interface DebugFlags extends NetworkFlags {
  name?: string | undefined;
  "skip-pod"?: boolean | undefined;
}

/** What tells of a migration between clusters. */
export async function gatherFromClusters(
  file: string,
  flags: DebugFlags,
  context: CliContext,
): Promise<Gathered> {
  return await withNetwork(file, flags, context, async (tools) => {
    const { signal } = tools;
    const opened = await answerOf(() => sourceOf(tools), signal);
    const found = await answerOf(() => migrationIn(requireValue(opened), flags), signal);
    if (found.error?.code === "E_NO_MIGRATION") throw found.error;
    const { name, plan } = found.value ?? {};
    const claim = plan?.source.kind === "cluster" ? plan.source.cluster.claim.name : undefined;
    const open = async (): Promise<DebugSide> => ({ ...requireValue(opened), signal });
    const parts = [
      versionsPart,
      networkPart(tools.network),
      // First of all that asks the clusters: it reads the log-ins, which are masked from then on.
      doctorPart(tools, context),
      ...recordParts({
        plan: async () => requireValue(found)?.plan,
        status: async () => requireValue(found)?.status,
      }),
      ...objectParts({ side: "source", name, claim, open }),
      logPart({ side: "source", name, open }),
      ...destinationParts(tools, name, opened.value),
      folderPart(() => collectVolume(found, { source: opened, flags, tools }, context)),
    ];
    return await gather(parts, signal);
  });
}

/** Undefined where there is none at all: then it is told why none can be begun. */
async function migrationIn(
  source: Source,
  { name }: DebugFlags,
): Promise<ClusterMigration | undefined> {
  const all = await migrationsOf(source);
  return all.length === 0 ? undefined : chooseMigration(all, source, { name });
}

/** What tells of a folder's migration, and of its destination where that is a cluster. */
export async function gatherFromFolder(
  { place, file }: { place: string; file?: string },
  flags: DebugFlags,
  context: CliContext,
): Promise<Gathered> {
  const { parts, plan } = await localParts(place, flags.name);
  if (plan !== undefined) await registerDatabases(plan);
  if (file === undefined) return await gather([versionsPart, ...parts]);
  return await withNetwork(file, flags, context, async (tools) => {
    const isFar = isClusterSide(tools.network.destination);
    const far = isFar ? destinationParts(tools, plan?.name, undefined) : [];
    return await gather([versionsPart, networkPart(tools.network), ...parts, ...far], tools.signal);
  });
}

function doctorPart(tools: ClusterTools, { clock, out }: CliContext): Part {
  return {
    path: "doctor.json",
    async read() {
      const request = loadClusterRequest({ migrationType: "full" });
      const application = await loadApplication(request.application);
      const note = (text: string) => out.note(text);
      const checks = await examine({
        ...{ ...tools, request, application, clock, withPod: false, note },
      });
      return [{ path: "doctor.json", value: { version: 1, checks } }];
    },
  };
}

function destinationParts(
  tools: ClusterTools,
  name: string | undefined,
  source: Source | undefined,
): Part[] {
  const { network, signal } = tools;
  const secrets = source === undefined ? {} : { secrets: source };
  let opened: Promise<Answer<DebugSide>> | undefined;
  async function open(): Promise<DebugSide> {
    opened ??= answerOf(async () => {
      const { cluster, config } = await openDestination(network, { ...tools, ...secrets });
      const namespace = config.namespace ?? cluster.namespace;
      if (namespace !== undefined) return { cluster, namespace, signal };
      throw new MigrationError("E_USAGE", "It is not said which namespace the destination is in");
    }, signal);
    return requireValue(await opened);
  }
  const side = "destination";
  return [...objectParts({ side, name, claim: undefined, open }), logPart({ side, name, open })];
}

interface Volume {
  source: Answer<Source>;
  flags: DebugFlags;
  tools: ClusterTools;
}

/** Asks the migration's own pod, or one that is made for it where that does not run. */
async function collectVolume(
  found: Answer<ClusterMigration | undefined>,
  { source, flags, tools }: Volume,
  context: CliContext,
): Promise<Collected> {
  const migration = requireValue(found);
  const { cluster, namespace } = requireValue(source);
  if (migration?.plan === undefined) {
    throw new MigrationError("E_NO_MIGRATION", "There is no migration whose folder is known");
  }
  const question = {
    args: ["collect", "--folder", migrationFolder(migration.plan)],
    ...{ schema: Collected, signal: tools.signal },
  };
  const pod = migration.live?.pod;
  if (pod?.status?.containerStatuses?.[0]?.state?.running !== undefined) {
    return await askPod({ cluster, container: { namespace, pod: pod.metadata.name } }, question);
  }
  if (flags["skip-pod"] === true) {
    throw new MigrationError("E_UNAVAILABLE", "Its pod does not run, and --skip-pod was given");
  }
  context.out.note("Its pod does not run; a pod looks at the volume");
  return await withVolumePod(tools, context, (manager) => askPod(manager, question));
}
