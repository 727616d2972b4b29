import { options } from "../../config/options.ts";
import { removeResult } from "../../controller/deploy/result.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodeOf, Undone } from "../../plan/undone.ts";
import { type Earlier, inClusterAgain } from "../again-in-cluster.ts";
import { askFolder } from "../again-in-folder.ts";
import type { CliContext } from "../context.ts";
import { againOptions } from "../request-options.ts";
import { printUndone } from "../undo-view.ts";
import { whereOf } from "../where.ts";

export const undoCommand = defineCommand({
  args: {
    ...againOptions,
    yes: options.yes,
  },
  examples: [
    ["migctl undo --source-dir /a/data", "What would be removed, put back and kept"],
    ["migctl undo --source-dir /a/data --yes", "Do it; stopped, the same command goes on"],
    [
      "migctl undo --name mvi-full-1a2b3c4d",
      "Between clusters, by a pod beside the source's volume",
    ],
  ],
  async run(flags, context: CliContext) {
    const { out, format } = context;
    const isMeant = flags.yes === true;
    const { place, file } = await whereOf(flags);
    const question: Earlier<Undone> = {
      args: ["undo", "--plan", "-", ...(isMeant ? ["--yes"] : [])],
      schema: Undone,
      says: (name) => (isMeant ? `takes "${name}" back` : `looks at how to take "${name}" back`),
      // What is left of a migration that was taken back is on the volume.
      ...(isMeant
        ? { over: ({ cluster, namespace }, name) => removeResult(cluster, namespace, name) }
        : {}),
    };
    const undone =
      place === undefined
        ? await inClusterAgain(file, flags, question, context)
        : await askFolder({ place, file, flags, command: "undo" }, question, context);
    if (format === "table") printUndone(undone, out);
    else out.data(undone, format);
    return exitCodeOf(undone);
  },
});
