import { z } from "zod";
import { loadClusterRequest } from "../config/load.ts";
import { askPod, type PodManager } from "../controller/deploy/pod-manager.ts";
import { withQuestionPod } from "../controller/deploy/question.ts";
import { MigrationError } from "../core/errors.ts";
import { migrationFolder } from "../plan/inputs.ts";
import { Plan } from "../plan/plan.ts";
import { Status } from "../state/status.ts";
import type { ClusterTools } from "./cluster.ts";
import type { CliContext } from "./context.ts";
import type { ClusterMigration } from "./find-in-cluster.ts";
import { planWith, questionPorts } from "./planned.ts";

const OnVolume = z.array(z.object({ plan: Plan, status: Status }));

/**
 * The migrations of a namespace, with what only the volume tells: where the namespace tells of none,
 * and of a Job whose pod is over and was not waited for.
 */
export async function completeFromVolume(
  inNamespace: ClusterMigration[],
  tools: ClusterTools,
  context: CliContext,
): Promise<ClusterMigration[]> {
  const silent = inNamespace.find(endedSilently);
  if (inNamespace.length > 0 && silent === undefined) return inNamespace;
  const of = silent === undefined ? "no migration" : `no end of "${silent.name}"`;
  context.out.note(`The namespace tells of ${of}; a pod looks at the volume`);
  const found = await withVolumePod(tools, context, (manager, { workDir }) =>
    askPod(manager, {
      args: ["list", "--work-dir", workDir],
      schema: OnVolume,
      // It tells of those that cannot be read.
      onLog: context.out.note,
    }),
  );
  if (silent === undefined) {
    return found.map(({ plan, status }) => ({ name: plan.name, live: undefined, plan, status }));
  }
  return inNamespace.map((one) => {
    const kept = found.find(({ plan }) => plan.name === one.name);
    return endedSilently(one) ? { ...one, status: kept?.status } : one;
  });
}

function endedSilently({ status, live }: ClusterMigration): boolean {
  const phase = live?.pod?.status?.phase;
  return status === undefined && (phase === "Succeeded" || phase === "Failed");
}

/** Removes what a migration keeps on the volume, and looks that it is gone; the ledger stays. */
export async function purgeMigration(plan: Plan, tools: ClusterTools, context: CliContext) {
  const folder = migrationFolder(plan);
  await withVolumePod(tools, context, async (manager) => {
    const { cluster, container } = manager;
    const session = await cluster.exec(container, ["rm", "-rf", "--", folder], { stdin: false });
    session.stdout.resume();
    session.stderr.resume();
    await session.ended;
    const args = ["list", "--work-dir", plan.workDir];
    const left = await askPod(manager, { args, schema: OnVolume });
    if (left.every((one) => one.plan.name !== plan.name)) return;
    throw new MigrationError("E_CLUSTER", `"${folder}" could not be removed from the volume`, {
      hint: "Remove it where the volume is mounted",
    });
  });
}

/** A pod with the manager's mounts and user, for whatever migration. */
export async function withVolumePod<T>(
  tools: ClusterTools,
  context: CliContext,
  ask: (manager: PodManager, plan: Plan) => Promise<T>,
): Promise<T> {
  const planned = await planWith(loadClusterRequest({ migrationType: "files" }), tools);
  const { plan, render } = planned.planned;
  const ports = questionPorts(planned, context);
  return await withQuestionPod(render, ports, (manager) => ask(manager, plan));
}
