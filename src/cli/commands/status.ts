import { options } from "../../config/options.ts";
import { findMigration, listMigrations, placeOf } from "../../controller/find-migration.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes } from "../../core/errors.ts";
import { holderLives } from "../../state/holder.ts";
import type { CliContext } from "../context.ts";
import { printStatus, printStatusList } from "../status-view.ts";

export const statusCommand = defineCommand({
  name: "status",
  describe: "Show the migrations of a source, or the steps of one",
  args: {
    "source-dir": options["source-dir"],
    "work-dir": options["work-dir"],
    name: { ...options.name, describe: "The deployment's name, where there are several" },
  },
  examples: [
    ["migctl status --source-dir /a/data", "All migrations of this source"],
    ["migctl status --source-dir /a/data --name mvi-full-1a2b3c4d", "The steps of one"],
  ],
  async run(flags, { out, format, clock }: CliContext) {
    const place = placeOf(flags);
    const all = await listMigrations(place);
    if (flags.name === undefined && all.length > 1) {
      if (format === "table") printStatusList(all, out, clock.now());
      else
        out.data(
          all.map(({ status }) => status),
          format,
        );
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
