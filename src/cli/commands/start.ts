import { defineCommand } from "../../core/command.ts";
import type { CliContext } from "../context.ts";
import { startArguments } from "../request-options.ts";

export const startCommand = defineCommand({
  args: startArguments,
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
    // The help without a command shows these flags, and needs none of the rest.
    const { start } = await import("../start.ts");
    return await start(flags, context);
  },
});
