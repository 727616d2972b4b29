import { resolve } from "node:path";
import { loadRate } from "../../config/load.ts";
import { rateArgument } from "../../config/rate-argument.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes } from "../../core/errors.ts";
import { formatRate } from "../../core/format.ts";
import { askForLimit, type LimitAsked } from "../../state/bandwidth-limit.ts";
import type { ManagerContext } from "../context.ts";
import { folderArgument } from "../folder-argument.ts";

export const bwlimitCommand = defineCommand({
  args: { rate: rateArgument, folder: folderArgument },
  examples: [
    ["migmgr bwlimit 2M --folder data/logs/migrations/mvi-full-1a2b3c4d", "From now on"],
    ["migmgr bwlimit 0 --folder …", "As much as there is"],
  ],
  async run({ rate, folder }, { out, format }: ManagerContext) {
    const limit = await askForLimit(resolve(folder), loadRate("RATE", rate));
    if (format === "table") out.line(`Limit: ${formatRate(limit)}`);
    else out.data({ kibPerSecond: limit ?? 0 } satisfies LimitAsked, format);
    return exitCodes.done;
  },
});
