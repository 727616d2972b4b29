import type { ClusterRequest } from "../config/load.ts";
import { restartAfter } from "../controller/after/restart-after.ts";
import { refuseOverWindow } from "../controller/cut-over/window.ts";
import { withQuiesce } from "../controller/cut-over/with-quiesce.ts";
import { askPod } from "../controller/deploy/pod-manager.ts";
import { withQuestionPod } from "../controller/deploy/question.ts";
import type { Discovered } from "../controller/discover/discovered.ts";
import { type ExitCode, exitCodes, MigrationError } from "../core/errors.ts";
import type { Cluster } from "../kube/cluster.ts";
import { Fingerprint } from "../plan/fingerprint.ts";
import type { Plan } from "../plan/plan.ts";
import { type CutOverEstimate, estimateCutOver } from "../state/estimate.ts";
import { estimateText } from "../state/estimate-after.ts";
import type { Status } from "../state/status.ts";
import type { CliContext } from "./context.ts";
import { migrationsOf } from "./find-in-cluster.ts";
import { type Planned, questionPorts } from "./planned.ts";

const silenceSeconds = 5;
const writersEndSeconds = 300;
const resumeSeconds = 60;
const restartSeconds = 600;

/** Runs a migration with its source quiesced, where that is asked for. */
export async function withCutOver(
  migration: Planned,
  context: CliContext,
  run: () => Promise<ExitCode>,
): Promise<ExitCode> {
  const { request, sides, planned, tools } = migration;
  const { signal } = tools;
  if (!request.quiesce) return await run();
  const { cluster } = sides.source;
  const { render, plan, found } = planned;
  const { namespace } = render;
  const { clock, out } = context;
  const say = (text: string) => out.note(text);
  const ports = questionPorts(migration, context);
  return await withQuiesce(
    {
      ...{ cluster, namespace, name: plan.name, clock, signal, say },
      ...{ writers: found.source.writers, silenceSeconds, resumeSeconds },
      timeoutSeconds: writersEndSeconds,
      ask: async () =>
        await withQuestionPod(render, ports, (manager) =>
          askPod(manager, {
            ...{ args: ["fingerprint", "--plan", "-"], input: plan, signal },
            schema: Fingerprint,
          }),
        ),
      outcomeOf: (end) => outcomeOf(end, request.wait),
    },
    run,
  );
}

/** A run that is not waited for, or no longer, works on: its source must stay as it is. */
function outcomeOf(end: { result: ExitCode } | { error: unknown }, isWaitedFor: boolean) {
  if ("error" in end) {
    const { code } = end.error instanceof MigrationError ? end.error : { code: undefined };
    return code === "E_TIMEOUT" || code === "E_INTERRUPTED" ? "goes-on" : "failed";
  }
  if (!isWaitedFor) return "goes-on";
  return hasSucceeded(end.result) ? "succeeded" : "failed";
}

/** Findings are for people to read; the migration itself is complete. */
export function hasSucceeded(exitCode: ExitCode): boolean {
  return exitCode === exitCodes.done || exitCode === exitCodes.finishedWithFindings;
}

/** Tells how long the cut-over may take, and throws where it does not fit into the window. */
export async function checkWindow({ request, sides, planned }: Planned, { out }: CliContext) {
  if (!request.quiesce && request.window === undefined) return;
  const { render, plan } = planned;
  const source = { ...sides.source, namespace: render.namespace };
  const estimate = estimateOf(plan, await migrationsOf(source));
  const text = estimateText(estimate);
  if (text !== undefined) out.note(text);
  refuseOverWindow(estimate, request.window);
}

/** By the newest pass to the same destination. */
export function estimateOf(
  plan: Plan,
  all: readonly { plan: Plan | undefined; status: Status | undefined }[],
): CutOverEstimate {
  const { identity } = plan.destination;
  const ended = all
    .filter((one) => (one.plan?.destination.identity ?? identity) === identity)
    .flatMap(({ status }) => status ?? [])
    .filter(({ state, name }) => state === "done" || name === plan.name)
    .sort((a, b) => b.startedAt - a.startedAt);
  return estimateCutOver(ended[0], plan, ended.slice(1));
}

export interface Finishing {
  request: ClusterRequest;
  /** The destination's. */
  cluster: Cluster;
  found: Discovered;
  plan: Plan;
  signal: AbortSignal;
}

/** Restarts what must see the documents anew, or says that it is left to do. */
export async function finishDestination(
  { request, cluster, found, plan, signal }: Finishing,
  { out, clock }: CliContext,
) {
  if (plan.migrationType === "files") return;
  const { done, todo } = await restartAfter({
    ...{ cluster, namespace: found.namespace.value, restarts: found.restarts },
    consent: request.after === "run",
    ...{ timeoutSeconds: restartSeconds, clock, signal },
  });
  for (const text of done) out.note(`At the destination: ${text}`);
  for (const text of todo) out.note(`Left to do at the destination: ${text}`);
}
