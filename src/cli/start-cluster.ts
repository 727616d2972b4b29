import type { ClusterRequest } from "../config/load.ts";
import { deployMigration } from "../controller/deploy/deploy.ts";
import { followPod } from "../controller/deploy/follow-pod.ts";
import { askPod } from "../controller/deploy/pod-manager.ts";
import { withQuestionPod } from "../controller/deploy/question.ts";
import { saveResult } from "../controller/deploy/result.ts";
import { loadImage } from "../controller/image/load.ts";
import { runtimeVariables } from "../controller/image/runtimes.ts";
import { type ExitCode, exitCodes, hasCode, MigrationError } from "../core/errors.ts";
import { makeReport } from "../state/report.ts";
import type { RunResult } from "../state/result.ts";
import { Status } from "../state/status.ts";
import type { CliContext } from "./context.ts";
import { checkWindow, finishDestination, hasSucceeded, withCutOver } from "./cut-over.ts";
import { type Planned, questionPorts, withPlanned } from "./planned.ts";
import { makeProgress } from "./progress.ts";
import { printReport } from "./report-view.ts";

/** Starts a migration in the source's cluster, and follows it where that is asked for. */
export async function startInCluster(
  file: string,
  flags: Record<string, unknown>,
  context: CliContext,
): Promise<ExitCode> {
  return await withPlanned(file, flags, context, async (migration) => {
    const { request, sides, planned, tools } = migration;
    for (const warning of planned.warnings) context.out.note(`Warning: ${warning}`);
    if (request["dry-run"] !== "none") return await deployAndFollow(migration, context);
    await checkWindow(migration, context);
    const run = () => deployAndFollow(migration, context);
    const exitCode = await withCutOver(migration, context, run);
    if (request.wait && hasSucceeded(exitCode)) {
      const { cluster } = sides.destination;
      const found = planned.found.destination;
      const finishing = { request, cluster, found, plan: planned.plan, signal: tools.signal };
      await finishDestination(finishing, context);
    }
    return exitCode;
  });
}

async function deployAndFollow(migration: Planned, context: CliContext): Promise<ExitCode> {
  const { request, sides, planned, tools } = migration;
  const { plan, render } = planned;
  const { out, clock } = context;
  await loadImageFile(migration, context);
  const deployed = await deployMigration({
    ...{ render, cluster: sides.source.cluster, clock, signal: tools.signal },
    destination: sides.destination.cluster,
    dryRun: request["dry-run"],
    startTimeoutSeconds: request["start-timeout"],
    note: (text) => out.note(text),
  });
  if (!deployed) return exitCodes.done;
  out.note(`Migration ${plan.name} runs in namespace "${render.namespace}"`);
  if (request.wait) return await waitForEnd(migration, context);
  out.note(
    `Follow it with migctl status --name ${plan.name}, or migctl logs -f --name ${plan.name}`,
  );
  return exitCodes.done;
}

/** Gives this host's container runtime the image, where its archive is named. */
async function loadImageFile({ request, planned, tools }: Planned, { out, env }: CliContext) {
  const file = request["image-file"];
  if (file === undefined || request["dry-run"] !== "none") return;
  const { name: image, architectures } = planned.render.image;
  const [architecture] = architectures;
  const { runtime, isNew } = await loadImage({
    ...{ image, file, env: runtimeVariables(env), signal: tools.signal },
    ...(architecture === undefined ? {} : { architecture }),
  });
  out.note(`${runtime} ${isNew ? "has now" : "had already"} the image "${image}"`);
}

/** Follows to the end, keeps the end in the cluster, prints the report, and returns its exit code. */
async function waitForEnd(migration: Planned, context: CliContext): Promise<ExitCode> {
  const { sides, planned } = migration;
  const { plan, render } = planned;
  const end = await follow(migration, context);
  const { cluster } = sides.source;
  const { status, result } = end;
  // Before a run is begun, its status is an earlier one's.
  if (status === undefined || status.exitCode !== result.exitCode) throw toError(result);
  await saveResult(cluster, render.namespace, { plan, status });
  const report = makeReport(plan, status);
  if (context.format === "table") printReport(report, context.out);
  else context.out.data(report, context.format);
  return asExitCode(result.exitCode);
}

interface End {
  status: Status | undefined;
  result: RunResult;
}

async function follow(migration: Planned, context: CliContext): Promise<End> {
  const { request, sides, planned, tools } = migration;
  const { out, clock } = context;
  const { plan, render } = planned;
  const progress = makeProgress(context.progress, out, clock);
  const timeout =
    request.timeout === undefined ? [] : [AbortSignal.timeout(request.timeout * 1000)];
  const signal = AbortSignal.any([tools.signal, ...timeout]);
  let status: Status | undefined;
  try {
    const result = await followPod({
      ...{ cluster: sides.source.cluster, namespace: render.namespace, plan, clock, signal },
      kind: render.workload === "job" ? "Job" : "Deployment",
      attempt: render.attempt,
      startTimeoutSeconds: request["start-timeout"],
      onStatus(seen) {
        status = seen;
        progress.show(seen);
      },
      onProblem: ({ message }) => out.note(message),
      onRetry: ({ message }) => out.note(`${message}; trying again`),
      readStatus: (folder) => readStatus(migration, folder, context),
    });
    return { status, result };
  } catch (error) {
    if (timeout.some(({ aborted }) => aborted) && !tools.signal.aborted)
      throw tooLong(plan.name, request);
    throw error;
  } finally {
    progress.end();
  }
}

/** By a short-lived pod beside the volume; a run that was never begun has none. */
async function readStatus(
  migration: Planned,
  folder: string,
  context: CliContext,
): Promise<Status | undefined> {
  const { render } = migration.planned;
  const { signal } = migration.tools;
  try {
    return await withQuestionPod(render, questionPorts(migration, context), (manager) =>
      askPod(manager, { args: ["status", "--folder", folder], schema: Status, signal }),
    );
  } catch (error) {
    if (hasCode(error, "E_NO_MIGRATION")) return undefined;
    throw error;
  }
}

function tooLong(name: string, { timeout }: ClusterRequest): MigrationError {
  return new MigrationError(
    "E_TIMEOUT",
    `The migration "${name}" did not end within ${timeout} s`,
    {
      hint: `It goes on: migctl status --name ${name} shows it`,
    },
  );
}

function toError({ error, exitCode }: RunResult): MigrationError {
  if (error === undefined) {
    return new MigrationError("E_UNEXPECTED", `The manager ended with ${exitCode}`);
  }
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  return new MigrationError(error.code, error.message, hint);
}

function asExitCode(code: number): ExitCode {
  return Object.values(exitCodes).find((known) => known === code) ?? exitCodes.unexpected;
}
