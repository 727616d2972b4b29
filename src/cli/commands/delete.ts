import { options } from "../../config/options.ts";
import { listRemembered } from "../../controller/cut-over/remembered.ts";
import { resumeSource } from "../../controller/cut-over/resume-source.ts";
import { askPod } from "../../controller/deploy/pod-manager.ts";
import { withQuestionPod } from "../../controller/deploy/question.ts";
import { removeObjects } from "../../controller/deploy/remove.ts";
import { removeMigration } from "../../controller/deploy/remove-migration.ts";
import { restoreInput } from "../../controller/deploy/restore-input.ts";
import { removeResult } from "../../controller/deploy/result.ts";
import { openSides } from "../../controller/deploy/sides.ts";
import { defineCommand } from "../../core/command.ts";
import { asMigrationError, exitCodes, MigrationError } from "../../core/errors.ts";
import { Status } from "../../state/status.ts";
import { type ClusterTools, networkFile, type Source, sourceOf, withNetwork } from "../cluster.ts";
import type { CliContext } from "../context.ts";
import { type ClusterMigration, findInCluster } from "../find-in-cluster.ts";
import { needsNetwork } from "../needs-network.ts";
import { networkOptions } from "../request-options.ts";
import { purgeMigration } from "../volume-pod.ts";

const startTimeoutSeconds = 120;

export const deleteCommand = defineCommand({
  args: {
    ...networkOptions,
    migrationType: { ...options.migrationType, describe: "Only a migration of this type" },
    name: { ...options.name, describe: "The migration's name, where there are several" },
    purge: options.purge,
  },
  examples: [
    ["migctl delete --purge", "Also its plan, status, archive and report on the source's volume"],
    ["migctl delete", "The only one there is; started again it goes on where it stopped"],
    ["migctl --migrationType full --delete", "The same, by its type"],
  ],
  async run(flags, context: CliContext) {
    const file = await networkFile(flags);
    if (file === undefined) throw needsNetwork("delete");
    return await withNetwork(file, flags, context, async (tools) => {
      const source = await sourceOf(tools);
      const migration = await findInCluster(source, flags);
      const removed = await remove(source, migration, tools, context);
      await putBack(source, migration.name, tools, context);
      for (const one of removed) context.out.note(`Removed ${one}`);
      await removeReceiver(migration.name, tools, context);
      if (flags.purge === true) await purge(source, migration, tools, context);
      if (context.format === "table") context.out.line(`Migration ${migration.name} deleted`);
      else context.out.data({ name: migration.name, removed }, context.format);
      return exitCodes.done;
    });
  },
});

async function remove(
  { cluster, namespace }: Source,
  { name, plan, live }: ClusterMigration,
  tools: ClusterTools,
  { clock, out }: CliContext,
): Promise<string[]> {
  const input = plan && live ? restoreInput(plan, live.object, namespace) : undefined;
  const { signal } = tools;
  const note = (text: string) => out.note(text);
  return await removeMigration({
    ...{ cluster, namespace, name, plan, clock, signal, note },
    ...(input === undefined
      ? {}
      : {
          readCheckpoint: async (folder) =>
            await withQuestionPod(
              input,
              { cluster, clock, signal, startTimeoutSeconds, onProblem: (p) => note(p.message) },
              (manager) =>
                askPod(manager, { args: ["status", "--folder", folder], schema: Status }),
            ),
        }),
  });
}

/** Forgets the migration altogether; what it moved stays, and the ledger that tells so. */
async function purge(
  { cluster, namespace }: Source,
  { name, plan }: ClusterMigration,
  tools: ClusterTools,
  context: CliContext,
) {
  if (plan === undefined) throw noPlan(name);
  context.out.note(`Warning: migctl undo cannot take "${name}" back any more after that`);
  await purgeMigration(plan, tools, context);
  await removeResult(cluster, namespace, name);
  context.out.note(`Removed what "${name}" kept on the source's volume`);
}

function noPlan(name: string): MigrationError {
  return new MigrationError("E_NO_MIGRATION", `The plan of "${name}" is not in the namespace`, {
    hint: "Remove its folder below data/logs/migrations where the volume is mounted",
  });
}

/** What was quiesced for the migration comes back, unless its run had succeeded. */
async function putBack(
  { cluster, namespace }: Source,
  name: string,
  { signal }: ClusterTools,
  { clock, out }: CliContext,
) {
  const remembered = await listRemembered(cluster, namespace);
  const own = remembered.find((one) => one.name === name);
  if (own === undefined || own.isCutOver) return;
  const say = (text: string) => out.note(text);
  await resumeSource({ cluster, namespace, name, clock, signal, say });
}

/** The manager removes its receiver itself; what a pod that was killed left is removed here. */
async function removeReceiver(name: string, tools: ClusterTools, { clock, out }: CliContext) {
  try {
    const { destination } = await openSides(tools.network, tools);
    const namespace = destination.config.namespace ?? destination.cluster.namespace;
    if (namespace === undefined) return;
    const { cluster } = destination;
    const removed = await removeObjects({ cluster, namespace, name, clock, signal: tools.signal });
    for (const one of removed) out.note(`Removed ${one} at the destination`);
  } catch (error) {
    const { message } = asMigrationError(error);
    out.note(
      `Warning: whether a receiver is left at the destination could not be seen: ${message}`,
    );
  }
}
