import { readFileSync } from "node:fs";
import { asMigrationError } from "../../../src/core/errors.ts";
import { armFailpoints } from "../../../src/core/failpoints.ts";
import { makeOutput } from "../../../src/core/output.ts";
import { makeManagerContext } from "../../../src/manager/context.ts";
import { runMigration } from "../../../src/manager/run-migration.ts";
import { stopOnSignals } from "../../../src/manager/signals.ts";
import { Plan } from "../../../src/plan/plan.ts";

/** A manager whose locks count as dead after a moment; ends with the migration's exit code. */
armFailpoints(process.env);
const out = makeOutput(process.stdout, process.stderr);
const context = await makeManagerContext(
  { "log-format": "json" },
  { out, stop: stopOnSignals(process) },
);
const lockTimes = { beatMilliseconds: 50, pollMilliseconds: 50, staleMilliseconds: 600 };
const plan = Plan.parse(JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")));
try {
  const { exitCode } = await runMigration(plan, { rerun: false }, { ...context, lockTimes });
  process.exitCode = exitCode;
} catch (error) {
  const { message, hint, exitCode } = asMigrationError(error);
  process.stderr.write(`${message}\n${hint ?? ""}\n`);
  process.exitCode = exitCode;
}
