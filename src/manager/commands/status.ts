import { resolve } from "node:path";
import { options } from "../../config/options.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes } from "../../core/errors.ts";
import { readStatus } from "../../state/recover.ts";
import { rowsOf } from "../../state/rows.ts";
import { watchFolder } from "../../state/watch.ts";
import type { ManagerContext } from "../context.ts";
import { folderArgument } from "../folder-argument.ts";

export const statusCommand = defineCommand({
  args: {
    folder: folderArgument,
    watch: {
      type: "string",
      describe: "Tell every change as a line of JSON, until this start of the migration has ended",
      value: "ATTEMPT",
    },
    "termination-log": options["termination-log"],
  },
  examples: [
    ["migmgr status --folder data/logs/migrations/mvi-full-1a2b3c4d", "As a table"],
    ["migmgr status --folder … -o json", "The whole status document"],
    ["migmgr status --folder … --watch 1", "Follow the start that was named 1"],
  ],
  async run(flags, { out, format, clock, stop }: ManagerContext) {
    const { folder, watch: attempt, "termination-log": terminationLog } = flags;
    if (attempt !== undefined) {
      const { signal } = stop;
      const watch = { folder: resolve(folder), attempt, terminationLog, signal };
      for await (const seen of watchFolder(watch)) {
        out.line(JSON.stringify(seen));
      }
      return exitCodes.done;
    }
    const status = await readStatus(resolve(folder));
    if (format !== "table") {
      out.data(status, format);
      return exitCodes.done;
    }
    const rows = rowsOf(status, clock.now()).map((row) => [
      row.item,
      row.step ?? "",
      row.state,
      row.milliseconds === undefined ? "" : `${(row.milliseconds / 1000).toFixed(1)} s`,
      row.error ? `${row.error.code}: ${row.error.message}` : countsText(row.verdicts),
    ]);
    out.line(`${status.name}: ${status.state}`);
    out.table(["ITEM", "STEP", "STATE", "TIME", "RESULT"], rows);
    return exitCodes.done;
  },
});

function countsText(counts: Record<string, number> | undefined): string {
  const shown = Object.entries(counts ?? {}).filter(([, count]) => count > 0);
  return shown.map(([name, count]) => `${name} ${count}`).join(", ");
}
