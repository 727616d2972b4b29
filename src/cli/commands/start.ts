import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { loadLocalRequest } from "../../config/load.ts";
import { loadApplication } from "../../config/load-application.ts";
import { options } from "../../config/options.ts";
import { beforeText } from "../../controller/before-text.ts";
import { followStatus } from "../../controller/follow.ts";
import { startManager } from "../../controller/manager.ts";
import { planRequest } from "../../controller/request.ts";
import { defineCommand } from "../../core/command.ts";
import { type ExitCode, exitCodes, MigrationError } from "../../core/errors.ts";
import { migrationFolder } from "../../plan/inputs.ts";
import type { Plan } from "../../plan/plan.ts";
import { readStatus } from "../../state/recover.ts";
import { makeReport } from "../../state/report.ts";
import { networkFile } from "../cluster.ts";
import type { CliContext } from "../context.ts";
import { lastError } from "../manager-log.ts";
import { makeProgress } from "../progress.ts";
import { printReport } from "../report-view.ts";
import { requestOptions, startOptions } from "../request-options.ts";
import { startInCluster } from "../start-cluster.ts";

export const startCommand = defineCommand({
  name: "start",
  describe: "Move an application, or go on with a move that was stopped",
  isDefault: true,
  args: { ...requestOptions, ...startOptions, rerun: options.rerun },
  examples: [
    [
      "migctl --migrationType files --wait",
      "Between the clusters of network.json: the bulk of the files",
    ],
    ["migctl --migrationType full --wait", "The files that changed since, and the documents"],
    [
      "migctl start --source-dir /a/data --source-uri-file a.uri --dest-dir /d/data --dest-uri-file d.uri",
      "The whole server, files and documents",
    ],
    ["migctl start … --user jane --project-group 5d1f…", "One user and one project group"],
    ["migctl start … --migrationType files", "Days ahead: the bulk of the files"],
    ["migctl start … --rerun", "The second stage: what changed since"],
  ],
  async run(flags, context: CliContext) {
    const file = await networkFile(flags);
    if (file !== undefined) return await startInCluster(file, flags, context);
    const request = loadLocalRequest(flags);
    const application = await loadApplication(request.application);
    const { plan, facts } = await planRequest(request, application, context.manager);
    for (const warning of facts.warnings) context.out.note(`Warning: ${warning}`);
    context.out.note(`Migration ${plan.name}, in ${migrationFolder(plan)}`);
    await tellWhetherDone(plan, request.rerun, context);
    const exitCode = await runToEnd(plan, request.rerun, context);
    await printResult(plan, context);
    return exitCode;
  },
});

async function tellWhetherDone(plan: Plan, rerun: boolean, { out }: CliContext) {
  const before = await readStatus(migrationFolder(plan)).catch(() => undefined);
  const text = beforeText(before, rerun);
  if (text !== undefined) out.note(text);
}

async function runToEnd(plan: Plan, rerun: boolean, context: CliContext): Promise<ExitCode> {
  const folder = migrationFolder(plan);
  await mkdir(folder, { recursive: true });
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
