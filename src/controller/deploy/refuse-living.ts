import { MigrationError } from "../../core/errors.ts";
import type { Cluster } from "../../kube/cluster.ts";
import type { Pod } from "../../kube/pod.ts";
import { migrationFolder } from "../../plan/inputs.ts";
import { Status } from "../../state/status.ts";
import { attemptAnnotation } from "../labels.ts";
import { type LiveMigration, listLive } from "./live.ts";
import { askPod, watchPod } from "./pod-manager.ts";

/**
 * Throws E_LOCKED while a migration of that name works. One whose run has ended, and one that
 * crashed, may be started again: it goes on where it stopped. Returns what its pod tells of it.
 */
export async function refuseLiving(
  cluster: Cluster,
  namespace: string,
  name: string,
): Promise<Status | undefined> {
  const [live] = await listLive(cluster, namespace, name);
  if (live === undefined) return undefined;
  const { status, isOver } = await lookAt(cluster, namespace, live);
  if (isOver) return status;
  throw new MigrationError(
    "E_LOCKED",
    `The migration "${name}" runs already, in the pod "${live.pod?.metadata.name ?? ""}"`,
    {
      hint: `Follow it with migctl status --name ${name} or migctl logs -f --name ${name}; stop it with migctl delete --name ${name}`,
    },
  );
}

interface Looked {
  status: Status | undefined;
  /** No manager is at work, or about to be. */
  isOver: boolean;
}

/** A manager that runs has ended its work once there is a result of its own start. */
async function lookAt(cluster: Cluster, namespace: string, live: LiveMigration): Promise<Looked> {
  const { pod, plan } = live;
  const attempt = pod?.metadata.annotations?.[attemptAnnotation];
  if (pod === undefined || plan === undefined || attempt === undefined || !isRunning(pod)) {
    const status = await statusOf(cluster, namespace, live);
    return { status, isOver: status?.state !== "running" };
  }
  const signal = AbortSignal.timeout(lookMilliseconds);
  const manager = { cluster, container: { namespace, pod: pod.metadata.name } };
  try {
    const watched = { folder: migrationFolder(plan), attempt, signal };
    for await (const { status, result } of watchPod(manager, watched)) {
      // The status ends a moment before the run does: its report is still to be written.
      const isAboutToEnd = status !== undefined && status.state !== "running";
      if (result !== undefined || !isAboutToEnd) return { status, isOver: result !== undefined };
    }
  } catch (error) {
    if (signal.aborted) return { status: undefined, isOver: false };
    if (!(error instanceof MigrationError) || !harmless.has(error.code)) throw error;
  }
  return { status: undefined, isOver: true };
}

const lookMilliseconds = 30_000;

function isRunning({ status }: Pod): boolean {
  return status?.containerStatuses?.[0]?.state?.running !== undefined;
}

/** What the manager in a pod that runs tells of itself; undefined where there is none to ask. */
export async function statusOf(
  cluster: Cluster,
  namespace: string,
  { pod, plan }: LiveMigration,
): Promise<Status | undefined> {
  if (pod === undefined || plan === undefined || !isRunning(pod)) return undefined;
  const container = { namespace, pod: pod.metadata.name };
  try {
    const args = ["status", "--folder", migrationFolder(plan)];
    return await askPod({ cluster, container }, { args, schema: Status });
  } catch (error) {
    if (error instanceof MigrationError && harmless.has(error.code)) return undefined;
    throw error;
  }
}

/** It has no status yet, or ended between two questions. */
const harmless: ReadonlySet<string> = new Set(["E_NO_MIGRATION", "E_UNAVAILABLE"]);
