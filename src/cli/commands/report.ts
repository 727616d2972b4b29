import { options } from "../../config/options.ts";
import { findMigration } from "../../controller/find-migration.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes, MigrationError } from "../../core/errors.ts";
import { makeReport } from "../../state/report.ts";
import { sourceOf, withNetwork } from "../cluster.ts";
import type { CliContext } from "../context.ts";
import { chooseMigration, migrationsOf } from "../find-in-cluster.ts";
import { printReport } from "../report-view.ts";
import { networkOptions } from "../request-options.ts";
import { completeFromVolume } from "../volume-pod.ts";
import { whereOf } from "../where.ts";

export const reportCommand = defineCommand({
  args: {
    ...networkOptions,
    "source-dir": options["source-dir"],
    "work-dir": options["work-dir"],
    name: { ...options.name, describe: "The deployment's name, where there are several" },
  },
  examples: [
    ["migctl report --source-dir /a/data", "The table; report.html is beside the status"],
    ["migctl report --source-dir /a/data -o json", "The same for programs"],
  ],
  async run(flags, context: CliContext) {
    const { out, format } = context;
    const { place, file } = await whereOf(flags);
    if (place === undefined) {
      return await withNetwork(file, flags, context, async (tools) => {
        const source = await sourceOf(tools);
        const all = await completeFromVolume(await migrationsOf(source), tools, context);
        const { name, plan, status } = chooseMigration(all, source, flags);
        if (plan === undefined || status === undefined) throw noReport(name);
        const report = makeReport(plan, status);
        if (format === "table") printReport(report, out);
        else out.data(report, format);
        return exitCodes.done;
      });
    }
    const { plan, status, folder } = await findMigration(place, flags.name);
    const report = makeReport(plan, status);
    if (format === "table") {
      printReport(report, out);
      out.line("");
      out.line(`Report: ${folder}/report.html`);
    } else out.data(report, format);
    return exitCodes.done;
  },
});

function noReport(name: string): MigrationError {
  return new MigrationError("E_NO_MIGRATION", `The migration "${name}" has no status yet`, {
    hint: `See migctl logs --name ${name}`,
  });
}
