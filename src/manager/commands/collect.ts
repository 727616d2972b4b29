import { resolve } from "node:path";
import { defineCommand } from "../../core/command.ts";
import { exitCodes } from "../../core/errors.ts";
import { collectFolder } from "../../state/collect.ts";
import type { ManagerContext } from "../context.ts";
import { folderArgument } from "../folder-argument.ts";

export const collectCommand = defineCommand({
  args: { folder: folderArgument },
  examples: [["migmgr collect --folder … -o json", "State, journal, results and what is there"]],
  async run(flags, { out, format }: ManagerContext) {
    const collected = await collectFolder(resolve(flags.folder));
    if (format !== "table") out.data(collected, format);
    else for (const line of collected.listing) out.line(line);
    return exitCodes.done;
  },
});
