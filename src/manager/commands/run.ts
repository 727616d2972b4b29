import { z } from "zod";
import { options } from "../../config/options.ts";
import { defineCommand } from "../../core/command.ts";
import { Plan } from "../../plan/plan.ts";
import { checkAttempt } from "../../state/result.ts";
import type { ManagerContext } from "../context.ts";
import type { StartRequest } from "../decide-start.ts";
import { liveInPod } from "../pod-life.ts";
import { readDocument } from "../read-document.ts";
import { recordFailure, runMigration } from "../run-migration.ts";

export const runCommand = defineCommand({
  args: {
    plan: options.plan,
    rerun: options.rerun,
    profile: options.profile,
    attempt: options.attempt,
    stay: options.stay,
    "ready-file": options["ready-file"],
    "termination-log": options["termination-log"],
  },
  examples: [
    ["migmgr run --plan plan.json", "Start, or go on; what is done is not done again"],
    ["migmgr run --plan plan.json --rerun", "Do all steps again: the second stage"],
    [
      "migmgr run --plan plan.json --attempt 1 --stay",
      "In a pod, which is deleted once it is over",
    ],
  ],
  async run(flags, context: ManagerContext) {
    const { plan: path, rerun = false, stay = false } = flags;
    const attempt = flags.attempt ?? (stay ? "only" : undefined);
    if (attempt !== undefined) checkAttempt(attempt);
    const request: StartRequest = { rerun, ...(attempt === undefined ? {} : { attempt }) };
    async function work() {
      const plan = await readPlan(path, request, context);
      return await runMigration(flags.profile ? withProfile(plan) : plan, request, context);
    }
    if (attempt === undefined) return (await work()).exitCode;
    const { "ready-file": readyFile, "termination-log": terminationLog } = flags;
    const files = {
      stay,
      ...(readyFile === undefined ? {} : { readyFile }),
      ...(terminationLog === undefined ? {} : { terminationLog }),
    };
    return await liveInPod(work, files, context);
  },
});

function withProfile(plan: Plan): Plan {
  return { ...plan, options: { ...plan.options, profile: true } };
}

const Named = z.object({ workDir: z.string(), name: Plan.shape.name });

/** A plan of another version is told of where that one would be looked for. */
async function readPlan(path: string, request: StartRequest, context: ManagerContext) {
  try {
    return await readDocument(path, Plan, context);
  } catch (thrown) {
    const named =
      path === "-" ? undefined : await readDocument(path, Named, context).catch(() => undefined);
    if (named !== undefined) await recordFailure(named, { thrown, request, context });
    throw thrown;
  }
}
