import { options } from "../../config/options.ts";
import { findMigration } from "../../controller/find-migration.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes } from "../../core/errors.ts";
import { holderLives } from "../../state/holder.ts";
import { type FoundMigration, listMigrations, tellDamaged } from "../../state/migrations.ts";
import type { CliContext } from "../context.ts";
import { networkOptions } from "../request-options.ts";
import { showClusterStatus } from "../status-cluster.ts";
import { printStatus, printStatusList } from "../status-view.ts";
import { whereOf } from "../where.ts";

export const statusCommand = defineCommand({
  args: {
    ...networkOptions,
    "source-dir": options["source-dir"],
    "work-dir": options["work-dir"],
    migrationType: { ...options.migrationType, describe: "Only a migration of this type" },
    name: { ...options.name, describe: "The migration's name, where there are several" },
  },
  examples: [
    ["migctl status", "In the cluster of network.json"],
    ["migctl --status -n default", "The same, in another namespace"],
    ["migctl status --source-dir /a/data", "All migrations of this source"],
    ["migctl status --source-dir /a/data --name mvi-full-1a2b3c4d", "The steps of one"],
  ],
  async run(flags, context: CliContext) {
    const { place, file } = await whereOf(flags);
    if (place === undefined) return await showClusterStatus(file, flags, context);
    const { out, format, clock } = context;
    const all = await listMigrations(place);
    if (flags.name === undefined && all.found.length + all.damaged.length > 1) {
      tellDamaged(all, out.note);
      showList(all.found, context);
      return exitCodes.done;
    }
    const { status, folder } = await findMigration(place, flags.name);
    if (format === "table") {
      printStatus(status, out, clock.now());
      const isLeft = status.state === "running" && (await holderLives(folder)) === false;
      if (isLeft) out.line("");
      if (isLeft) out.line("Its process is gone. Start it again: it goes on where it was.");
    } else out.data(status, format);
    return exitCodes.done;
  },
});

function showList(all: readonly FoundMigration[], { out, format, clock }: CliContext) {
  if (format === "table") return printStatusList(all, out, clock.now());
  const statuses = all.map(({ status }) => status);
  out.data(statuses, format);
}
