import { resolve } from "node:path";
import { options } from "../../config/options.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes } from "../../core/errors.ts";
import { listMigrations, tellDamaged } from "../../state/migrations.ts";
import type { ManagerContext } from "../context.ts";

export const listCommand = defineCommand({
  args: { "work-dir": { ...options["work-dir"], required: true } },
  examples: [
    ["migmgr list --work-dir data/logs/migrations", "Name, type and state of each"],
    ["migmgr list --work-dir … -o json", "Plan and status of each"],
  ],
  async run(flags, { out, format }: ManagerContext) {
    const all = await listMigrations(resolve(flags["work-dir"]));
    tellDamaged(all, out.note);
    if (format === "table") {
      const rows = all.found.map(({ plan, status }) => {
        return [plan.name, plan.migrationType, status.state];
      });
      out.table(["NAME", "TYPE", "STATE"], rows);
    } else {
      const told = all.found.map(({ plan, status }) => ({ plan, status }));
      out.data(told, format);
    }
    return exitCodes.done;
  },
});
