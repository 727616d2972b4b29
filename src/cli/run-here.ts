import { createWriteStream } from "node:fs";
import { beforeText } from "../controller/before-text.ts";
import { followStatus } from "../controller/follow.ts";
import { startManager } from "../controller/manager.ts";
import { type ExitCode, exitCodes, MigrationError } from "../core/errors.ts";
import { makePrivateFolder } from "../core/private-files.ts";
import { migrationFolder } from "../plan/inputs.ts";
import type { Plan } from "../plan/plan.ts";
import { readStatus } from "../state/recover.ts";
import { makeReport } from "../state/report.ts";
import type { CliContext } from "./context.ts";
import { lastError } from "./manager-log.ts";
import { makeProgress } from "./progress.ts";
import { printReport } from "./report-view.ts";

/** Runs a migration by a manager on this machine to its end, and prints its report. */
export async function runHere(plan: Plan, rerun: boolean, context: CliContext): Promise<ExitCode> {
  context.out.note(`Migration ${plan.name}, in ${migrationFolder(plan)}`);
  await tellWhetherDone(plan, rerun, context);
  const exitCode = await runToEnd(plan, rerun, context);
  await printResult(plan, context);
  return exitCode;
}

async function tellWhetherDone(plan: Plan, rerun: boolean, { out }: CliContext) {
  const before = await readStatus(migrationFolder(plan)).catch(() => undefined);
  const text = beforeText(before, rerun);
  if (text !== undefined) out.note(text);
}

async function runToEnd(plan: Plan, rerun: boolean, context: CliContext): Promise<ExitCode> {
  const folder = migrationFolder(plan);
  await makePrivateFolder(folder);
  const log = createWriteStream(`${folder}/manager.log`, { flags: "a" });
  let tail = "";
  const run = startManager(context.manager, rerun ? ["--rerun"] : [], plan, (lines) => {
    log.write(lines);
    tail = (tail + lines).slice(-20_000);
  });
  const release = context.onStop((signal) => {
    context.out.note("Stopping; a second time stops at once");
    run.stop(signal);
  });
  const progress = makeProgress(context.progress, context.out, context.clock);
  try {
    const exitCode = await followStatus(folder, run.ended, progress.show);
    return asExitCode(exitCode, tail);
  } finally {
    progress.end();
    release();
    log.end();
  }
}

/** A manager that ended before it had a status says why only in its last words. */
function asExitCode(exitCode: number, log: string): ExitCode {
  const error = lastError(log);
  if (error !== undefined) throw error;
  const known = Object.values(exitCodes).find((code) => code === exitCode);
  if (known !== undefined) return known;
  throw new MigrationError("E_UNEXPECTED", `The manager ended with ${exitCode}`, {
    cause: new Error(log.slice(-2000)),
    hint: "Start it again: it goes on where it was",
  });
}

async function printResult(plan: Plan, { out, format }: CliContext) {
  const folder = migrationFolder(plan);
  const report = makeReport(plan, await readStatus(folder));
  if (format !== "table") return out.data(report, format);
  printReport(report, out);
  out.line("");
  out.line(`Report: ${folder}/report.html`);
}
