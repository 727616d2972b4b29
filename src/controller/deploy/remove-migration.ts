import type { Clock } from "../../core/clock.ts";
import type { Cluster } from "../../kube/cluster.ts";
import { migrationFolder } from "../../plan/inputs.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Status } from "../../state/status.ts";
import { listLive } from "./live.ts";
import { statusOf } from "./refuse-living.ts";
import { removeObjects, stopManager } from "./remove.ts";
import { saveResult } from "./result.ts";

export interface MigrationRemoval {
  cluster: Cluster;
  namespace: string;
  name: string;
  plan: Plan | undefined;
  clock: Clock;
  signal: AbortSignal;
  /** Told what is done, in a line for people. */
  note(text: string): void;
  /** Asks a pod of its own for the checkpoint of a run that was stopped. */
  readCheckpoint?: (folder: string) => Promise<Status>;
}

/**
 * Stops a migration, keeps its last status in the namespace, and removes all that was made for it
 * there. What it keeps on the volume stays, so that it can go on later.
 */
export async function removeMigration(removal: MigrationRemoval): Promise<string[]> {
  const { cluster, namespace, name, note } = removal;
  const [live] = await listLive(cluster, namespace, name);
  const before = live === undefined ? undefined : await statusOf(cluster, namespace, live);
  if (live !== undefined) {
    note(`Stopping ${live.kind} "${name}"; its checkpoint is written first`);
    await stopManager(removal);
  }
  const plan = removal.plan ?? live?.plan;
  const status = await lastStatus(removal, plan, before);
  if (plan !== undefined && status !== undefined) {
    await saveResult(cluster, namespace, { plan, status });
    note(`Kept status and report: migctl status --name ${name}, migctl report --name ${name}`);
  }
  const removed = await removeObjects(removal);
  return live === undefined ? removed : [`${live.kind} ${name}`, ...removed];
}

/** A run that was at work has a newer status after it was stopped than before. */
async function lastStatus(
  { readCheckpoint, note }: MigrationRemoval,
  plan: Plan | undefined,
  before: Status | undefined,
): Promise<Status | undefined> {
  if (plan === undefined || before?.state !== "running" || readCheckpoint === undefined) {
    return before;
  }
  try {
    return await readCheckpoint(migrationFolder(plan));
  } catch (error) {
    note(
      `The checkpoint could not be read back: ${error instanceof Error ? error.message : error}`,
    );
    return before;
  }
}
