import { loadVerifyMode } from "../../config/load.ts";
import { options } from "../../config/options.ts";
import { defineCommand } from "../../core/command.ts";
import { type ExitCode, toErrorRecord } from "../../core/errors.ts";
import { ledgerFolder } from "../../plan/inputs.ts";
import { Plan } from "../../plan/plan.ts";
import { exitCodeOf, Verification } from "../../plan/verification.ts";
import { verifyAgain } from "../../workers/verify-again.ts";
import type { ManagerContext } from "../context.ts";
import { runByHand } from "../hand-run.ts";
import { withDestination } from "../reach-destination.ts";
import { readDocument } from "../read-document.ts";

export const verifyCommand = defineCommand({
  args: { plan: options.plan, verify: options.verify },
  examples: [
    ["migmgr verify --plan data/logs/migrations/mvi-full-1a2b3c4d/plan.json", "As it was verified"],
    ["migmgr verify --plan … --verify full", "Hash every file"],
  ],
  async run(flags, context: ManagerContext): Promise<ExitCode> {
    const plan = await readDocument(flags.plan, Plan, context);
    const mode = flags.verify === undefined ? plan.options.verify : loadVerifyMode(flags.verify);
    const again = { ...plan, options: { ...plan.options, verify: mode } };
    const { clock, log, env, stop } = context;
    const checks = await withDestination(
      again,
      { clock, log, env, signal: stop.signal },
      (reached) =>
        runByHand(context, undefined, (ctx, scratch) =>
          verifyAgain(reached.plan, scratch, { ...ctx, destination: reached.destination }),
        ),
    );
    const verification = Verification.parse({
      checks: checks.map(({ error, ...check }) => ({
        ...{ ...check, equal: error === undefined },
        ...(error === undefined ? {} : { error: toErrorRecord(error) }),
      })),
    });
    if (context.format !== "table")
      context.out.data({ ledger: ledgerFolder(plan), ...verification }, context.format);
    else {
      context.out.table(
        ["ITEM", "PART", "RESULT"],
        verification.checks.map(({ item, part, error }) => [
          item,
          part,
          error ? `${error.code}: ${error.message}` : "equal",
        ]),
      );
      for (const line of checks.flatMap(({ differences }) => differences)) context.out.line(line);
    }
    return exitCodeOf(verification);
  },
});
