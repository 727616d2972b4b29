import { options } from "../../config/options.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes } from "../../core/errors.ts";
import { Plan } from "../../plan/plan.ts";
import { takeFingerprint } from "../../workers/fingerprint.ts";
import type { ManagerContext } from "../context.ts";
import { readDocument } from "../read-document.ts";

export const fingerprintCommand = defineCommand({
  args: { plan: options.plan },
  examples: [["migmgr fingerprint --plan plan.json -o json", "What --quiesce asks, twice"]],
  async run({ plan: path }, context: ManagerContext) {
    const plan = await readDocument(path, Plan, context);
    const { log, stop, out, format } = context;
    const fingerprint = await takeFingerprint(plan, { log, signal: stop.signal });
    out.data(fingerprint, format === "yaml" ? "yaml" : "json");
    return exitCodes.done;
  },
});
