import { Forecast } from "../../plan/forecast.ts";
import { Probe } from "../../plan/probe.ts";
import type { PlannedCluster } from "../deploy/plan-cluster.ts";
import { askPod, type PodManager } from "../deploy/pod-manager.ts";
import { withQuestionPod } from "../deploy/question.ts";
import type { Sides } from "../deploy/sides.ts";
import { answerOf } from "./answer.ts";
import { checkClocks } from "./check-probe.ts";
import { checkProbedDestination } from "./check-probe-destination.ts";
import { checkProbedSource } from "./check-probe-source.ts";
import { checkTraffic, crossingOf } from "./check-traffic.ts";
import type { Examination } from "./examination.ts";
import { type Finding, fromError, ok } from "./finding.ts";

/** Looks from a pod with the mounts, the user and the credentials of the migration's own. */
export async function checkInPod(
  { plan, render }: PlannedCluster,
  { source }: Sides,
  { request, clock, signal, note }: Examination,
): Promise<Finding[]> {
  const ports = {
    ...{ cluster: source.cluster, clock, signal },
    startTimeoutSeconds: request["start-timeout"],
    onProblem: ({ message }: { message: string }) => note(message),
  };
  note(`A pod in namespace "${render.namespace}" looks at both sides`);
  const findings: Finding[] = [];
  const looked = await answerOf(
    () =>
      withQuestionPod(render, ports, async (manager) => {
        findings.push(ok("pod", "The manager's pod starts, with its volume and its credentials"));
        const ask = { args: ["probe", "--plan", "-"], input: plan, schema: Probe, signal };
        const probe = await askPod(manager, ask);
        findings.push(
          ...checkProbedSource(plan, probe),
          ...checkProbedDestination(plan, probe),
          ...checkClocks(probe),
          ...(await traffic(manager, { plan, probe, signal })),
        );
      }),
    signal,
  );
  if (looked.error === undefined) return findings;
  // A pod that started and was lost is another thing than one that never did.
  const id = findings.length === 0 ? "pod" : "pod.probe";
  return [...findings, fromError(id, looked.error)];
}

interface Looked {
  plan: PlannedCluster["plan"];
  probe: Probe;
  signal: AbortSignal;
}

/** Only what crosses the API server is worth a look at every file. */
async function traffic(manager: PodManager, { plan, probe, signal }: Looked): Promise<Finding[]> {
  const crossing = crossingOf(probe);
  if (!crossing?.files && !crossing?.documents) return checkTraffic(crossing, undefined);
  const ask = { args: ["forecast", "--plan", "-"], input: plan, schema: Forecast, signal };
  return checkTraffic(crossing, await answerOf(() => askPod(manager, ask), signal));
}
