import { loadLocalRequest } from "../../config/load.ts";
import { loadApplication } from "../../config/load-application.ts";
import { options } from "../../config/options.ts";
import { askManager } from "../../controller/manager.ts";
import { planRequest } from "../../controller/request.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes } from "../../core/errors.ts";
import { Forecast } from "../../plan/forecast.ts";
import { listMigrations } from "../../state/migrations.ts";
import { networkFile } from "../cluster.ts";
import type { CliContext } from "../context.ts";
import { estimateOf } from "../cut-over.ts";
import { hasChanges, printForecast } from "../forecast-view.ts";
import { planInCluster } from "../plan-cluster.ts";
import { clusterOptions, requestOptions } from "../request-options.ts";
import { planFromFolder } from "../start-folder.ts";
import { hasFolderSource } from "../where.ts";

export const planCommand = defineCommand({
  args: {
    ...requestOptions,
    ...clusterOptions,
    "start-timeout": options["start-timeout"],
    "detailed-exitcode": options["detailed-exitcode"],
  },
  examples: [
    [
      "migctl plan --migrationType full",
      "Between the clusters of network.json, by a short-lived pod",
    ],
    ["migctl plan --source-dir … --user jane", "Documents, files and bytes of one user"],
    ["migctl plan … -o json", "The same for programs"],
    ["migctl plan … --detailed-exitcode", "10 when there is something to move"],
  ],
  async run(flags, context: CliContext) {
    const file = await networkFile(flags);
    if (file !== undefined) {
      const plan = (await hasFolderSource(file, flags)) ? planFromFolder : planInCluster;
      return await plan(file, flags, context);
    }
    const request = loadLocalRequest(flags);
    const application = await loadApplication(request.application);
    const { plan, facts } = await planRequest(request, application, context.manager);
    const forecast = await askManager(context.manager, {
      ...{ args: ["forecast", "--plan", "-"], input: plan, schema: Forecast },
    });
    const cutOver = estimateOf(plan, (await listMigrations(plan.workDir)).found);
    if (context.format === "table") printForecast({ plan, facts, forecast, cutOver }, context.out);
    else context.out.data({ plan, facts, ...forecast, cutOver }, context.format);
    const isDifferent = flags["detailed-exitcode"] === true && hasChanges(forecast);
    return isDifferent ? exitCodes.changesFound : exitCodes.done;
  },
});
