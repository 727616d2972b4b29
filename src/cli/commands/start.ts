import { loadLocalRequest } from "../../config/load.ts";
import { loadApplication } from "../../config/load-application.ts";
import { options } from "../../config/options.ts";
import { planRequest } from "../../controller/request.ts";
import { defineCommand } from "../../core/command.ts";
import { networkFile } from "../cluster.ts";
import type { CliContext } from "../context.ts";
import { requestOptions, startOptions } from "../request-options.ts";
import { runHere } from "../run-here.ts";
import { startInCluster } from "../start-cluster.ts";
import { startFromFolder } from "../start-folder.ts";
import { hasFolderSource } from "../where.ts";

export const startCommand = defineCommand({
  name: "start",
  describe: "Move an application, or go on with a move that was stopped",
  isDefault: true,
  args: { ...requestOptions, ...startOptions, rerun: options.rerun },
  examples: [
    [
      "migctl --migrationType files --wait",
      "Between the clusters of network.json: the bulk of the files",
    ],
    ["migctl --migrationType full --wait", "The files that changed since, and the documents"],
    [
      "migctl start --source-dir /a/data --source-uri-file a.uri --dest-dir /d/data --dest-uri-file d.uri",
      "The whole server, files and documents",
    ],
    ["migctl start … --user jane --project-group 5d1f…", "One user and one project group"],
    ["migctl start … --migrationType files", "Days ahead: the bulk of the files"],
    ["migctl start … --rerun", "The second stage: what changed since"],
    ["migctl start … --rerun --prune", "And what vanished at the source since is removed"],
  ],
  async run(flags, context: CliContext) {
    const file = await networkFile(flags);
    if (file !== undefined) {
      const start = (await hasFolderSource(file, flags)) ? startFromFolder : startInCluster;
      return await start(file, flags, context);
    }
    const request = loadLocalRequest(flags);
    const application = await loadApplication(request.application);
    const { plan, facts } = await planRequest(request, application, context.manager);
    for (const warning of facts.warnings) context.out.note(`Warning: ${warning}`);
    return await runHere(plan, request.rerun, context);
  },
});
