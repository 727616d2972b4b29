import { options } from "../../config/options.ts";
import { defineCommand } from "../../core/command.ts";
import { Plan } from "../../plan/plan.ts";
import { exitCodeOf, type Undone } from "../../plan/undone.ts";
import type { ManagerContext } from "../context.ts";
import { printResult } from "../print-result.ts";
import { readDocument } from "../read-document.ts";
import { foreseeUndo, takeBack } from "../undo-migration.ts";

export const undoCommand = defineCommand({
  args: { plan: options.plan, yes: options.yes },
  examples: [
    ["migmgr undo --plan data/logs/migrations/mvi-full-1a2b3c4d/plan.json", "What it would do"],
    ["migmgr undo --plan … --yes", "Do it; stopped or killed, the same command goes on"],
  ],
  async run({ plan: path, yes = false }, context: ManagerContext) {
    const plan = await readDocument(path, Plan, context);
    const undone: Undone = yes ? await takeBack(plan, context) : await foreseeUndo(plan, context);
    const { counts, remarks, ...rest } = undone;
    const shown = { ...rest, parts: counts, ...(remarks.length === 0 ? {} : { remarks }) };
    printResult(context.format === "table" ? shown : undone, context);
    return exitCodeOf(undone);
  },
});
