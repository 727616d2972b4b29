import { randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { options } from "../../config/options.ts";
import { writeFileAtomic } from "../../core/atomic-file.ts";
import { defineCommand } from "../../core/command.ts";
import { type ExitCode, exitCodes, MigrationError } from "../../core/errors.ts";
import { withReleasers } from "../../core/releasers.ts";
import { ledgerFolder, migrationFolder } from "../../plan/inputs.ts";
import { Plan } from "../../plan/plan.ts";
import { openLedger } from "../../state/ledger.ts";
import { acquireLock } from "../../state/lock.ts";
import type { Status } from "../../state/status.ts";
import { openStore } from "../../state/store.ts";
import type { ManagerContext } from "../context.ts";
import { readDocument } from "../read-document.ts";
import { writeReport } from "../report.ts";
import { runPlan } from "../run.ts";

export const runCommand = defineCommand({
  name: "run",
  describe: "Do what a plan says; go on where an earlier attempt stopped",
  args: { plan: options.plan, rerun: options.rerun },
  examples: [
    ["migmgr run --plan plan.json", "Start, or go on; what is done is not done again"],
    ["migmgr run --plan plan.json --rerun", "Do all steps again: the second stage"],
  ],
  async run({ plan: path, rerun = false }, context: ManagerContext) {
    const plan = await readDocument(path, Plan, context);
    const exitCode = await withReleasers((release) => runLocked(plan, rerun, context, release));
    return exitCode;
  },
});

type Releaser = (release: () => unknown) => void;

async function runLocked(
  plan: Plan,
  rerun: boolean,
  { clock, log, stop }: ManagerContext,
  release: Releaser,
): Promise<ExitCode> {
  const folder = migrationFolder(plan);
  const { signal } = stop;
  await mkdir(folder, { recursive: true });
  const lock = await acquireLock(folder, { clock, signal });
  release(() => lock.release());
  await acceptPlan(plan, folder, rerun);
  const store = await openStore(folder, { clock, log, lock });
  release(() => store.close());
  const before = store.status;
  if (before?.state === "done" && !rerun) {
    log.info({ migration: plan.name }, "Already done; --rerun does all of it again");
    return storedExitCode(before);
  }
  const ledger = await openLedger(ledgerFolder(plan), { clock, signal });
  release(() => ledger.close());
  const run = before === undefined || rerun ? randomBytes(6).toString("hex") : before.run;
  const ports = { log, clock, store, ledger, lock, signal, stopCode: () => stop.code() };
  const exitCode = await runPlan(plan, run, ports);
  if (store.status !== undefined) await writeReport(folder, plan, store.status);
  return exitCode;
}

function storedExitCode(status: Status): ExitCode {
  const known = Object.values(exitCodes).find((code) => code === status.exitCode);
  return known ?? exitCodes.unexpected;
}

/** Keeps the plan beside the status; another plan under the same name must be meant. */
async function acceptPlan(plan: Plan, folder: string, rerun: boolean) {
  const path = `${folder}/plan.json`;
  const earlier = await readFile(path, "utf8").catch(() => undefined);
  const fingerprint = earlier === undefined ? undefined : Plan.safeParse(JSON.parse(earlier)).data;
  if (fingerprint !== undefined && fingerprint.fingerprint !== plan.fingerprint && !rerun) {
    throw new MigrationError(
      "E_PLAN_CHANGED",
      `The migration "${plan.name}" was begun with another plan`,
      { hint: "Give the same flags to go on with it, or --rerun to begin anew with these" },
    );
  }
  await writeFileAtomic(path, `${JSON.stringify(plan, undefined, 2)}\n`);
}
