import type { NetworkFlags } from "../config/network-overlay.ts";
import { checkNew } from "../controller/deploy/apply.ts";
import { askManager } from "../controller/manager.ts";
import { type ExitCode, exitCodes } from "../core/errors.ts";
import { Forecast } from "../plan/forecast.ts";
import type { Plan } from "../plan/plan.ts";
import { listMigrations } from "../state/migrations.ts";
import { type Earlier, refuseOtherPlaces } from "./again-in-cluster.ts";
import type { CliContext } from "./context.ts";
import { estimateOf, finishDestination, hasSucceeded } from "./cut-over.ts";
import { type FolderPlanned, withFolderPlanned } from "./folder-planned.ts";
import { hasChanges, printForecast } from "./forecast-view.ts";
import { runHere } from "./run-here.ts";
import { showLog } from "./verify-view.ts";

type AnyFlags = Record<string, unknown> & NetworkFlags;

/** Moves a folder of this machine into a cluster, by a manager that runs here. */
export async function startFromFolder(
  file: string,
  flags: AnyFlags,
  context: CliContext,
): Promise<ExitCode> {
  return await withFolderPlanned({ file, flags }, context, async (migration) => {
    const { request, planned, destination, manager, tools } = migration;
    const { plan, found, receiver, warnings } = planned;
    for (const warning of warnings) context.out.note(`Warning: ${warning}`);
    const dryRun = request["dry-run"];
    if (dryRun !== "none") return await tryOnly(migration, context);
    if (receiver !== undefined) await checkNew(destination.cluster, receiver);
    const exitCode = await runHere(plan, request.rerun, { ...context, manager });
    if (hasSucceeded(exitCode)) {
      const { cluster } = destination;
      await finishDestination({ request, cluster, found, plan, signal: tools.signal }, context);
    }
    return exitCode;
  });
}

async function tryOnly(
  { request, planned, destination }: FolderPlanned,
  { out }: CliContext,
): Promise<ExitCode> {
  const { receiver, plan } = planned;
  const made = receiver === undefined ? "nothing" : `Pod ${receiver.metadata.name}`;
  const namespace = planned.found.namespace.value;
  if (request["dry-run"] === "server" && receiver !== undefined) {
    await checkNew(destination.cluster, receiver);
    out.note(`The API would take in namespace "${namespace}": ${made}`);
  } else out.note(`Would run "${plan.name}" here, and make in namespace "${namespace}": ${made}`);
  return exitCodes.done;
}

/** Shows what a move of a folder into a cluster would do. */
export async function planFromFolder(
  file: string,
  flags: AnyFlags,
  context: CliContext,
): Promise<ExitCode> {
  return await withFolderPlanned({ file, flags }, context, async ({ planned, manager, tools }) => {
    const { plan, found, warnings } = planned;
    const forecast = await askManager(manager, {
      ...{ args: ["forecast", "--plan", "-"], input: plan, schema: Forecast },
      signal: tools.signal,
    });
    const facts = { source: {}, destination: {}, warnings };
    const cutOver = estimateOf(plan, (await listMigrations(plan.workDir)).found);
    if (context.format === "table") printForecast({ plan, facts, forecast, cutOver }, context.out);
    else context.out.data({ plan, found, ...forecast, cutOver }, context.format);
    const isDifferent = flags["detailed-exitcode"] === true && hasChanges(forecast);
    return isDifferent ? exitCodes.changesFound : exitCodes.done;
  });
}

/** Asks from here, of the manager, what an earlier migration brought from a folder into a cluster. */
export async function fromFolderAgain<T>(
  file: string,
  earlier: Plan,
  { flags, question: { args, schema } }: { flags: AnyFlags; question: Earlier<T> },
  context: CliContext,
): Promise<T> {
  const { migrationType, application } = earlier;
  const request = { file, flags: { ...flags, migrationType }, application };
  return await withFolderPlanned(request, context, async ({ planned, manager, tools }) => {
    refuseOtherPlaces(earlier, planned.plan);
    const { source, destination } = planned.plan;
    return await askManager(manager, {
      ...{ args, input: { ...earlier, source, destination }, schema },
      ...{ signal: tools.signal, onLog: showLog(context.progress, context.out) },
    });
  });
}
