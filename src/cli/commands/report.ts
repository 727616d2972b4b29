import { options } from "../../config/options.ts";
import { findMigration, placeOf } from "../../controller/find-migration.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes } from "../../core/errors.ts";
import { makeReport } from "../../state/report.ts";
import type { CliContext } from "../context.ts";
import { printReport } from "../report-view.ts";

export const reportCommand = defineCommand({
  name: "report",
  describe: "Show what a migration moved, and what every document and file became",
  args: {
    "source-dir": options["source-dir"],
    "work-dir": options["work-dir"],
    name: { ...options.name, describe: "The deployment's name, where there are several" },
  },
  examples: [
    ["migctl report --source-dir /a/data", "The table; report.html is beside the status"],
    ["migctl report --source-dir /a/data -o json", "The same for programs"],
  ],
  async run(flags, { out, format }: CliContext) {
    const { plan, status, folder } = await findMigration(placeOf(flags), flags.name);
    const report = makeReport(plan, status);
    if (format === "table") {
      printReport(report, out);
      out.line("");
      out.line(`Report: ${folder}/report.html`);
    } else out.data(report, format);
    return exitCodes.done;
  },
});
