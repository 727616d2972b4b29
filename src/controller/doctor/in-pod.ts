import { Forecast } from "../../plan/forecast.ts";
import type { Plan } from "../../plan/plan.ts";
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
  examination: Examination,
): Promise<Finding[]> {
  const { request, clock, signal, note } = examination;
  const ports = {
    ...{ cluster: source.cluster, clock, signal },
    startTimeoutSeconds: request["start-timeout"],
    onProblem: ({ message }: { message: string }) => note(message),
  };
  note(`A pod in namespace "${render.namespace}" looks at both sides`);
  const findings: Finding[] = [];
  const start = clock.elapsed();
  const looked = await answerOf(
    () =>
      withQuestionPod(render, ports, async (manager) => {
        const seconds = Math.round((clock.elapsed() - start) / 1000);
        const seen = `The manager's pod starts in ${seconds} s, with its volume and its credentials`;
        findings.push(ok("pod", seen));
        findings.push(...(await look(manager, plan, examination)));
      }),
    signal,
  );
  if (looked.error === undefined) return findings;
  // A pod that started and was lost is another thing than one that never did.
  const id = findings.length === 0 ? "pod" : "pod.probe";
  return [...findings, fromError(id, looked.error)];
}

/** What the pod can be asked, now that it runs. */
async function look(manager: PodManager, plan: Plan, examination: Examination) {
  const { request, signal, note } = examination;
  const timeout = `${request["start-timeout"]}s`;
  const probe = await askPod(manager, {
    ...{ args: ["probe", "--plan", "-", "--start-timeout", timeout], input: plan },
    ...{ schema: Probe, signal, onLog: (line) => noteProblem(line, note) },
  });
  return [
    ...checkProbedSource(plan, probe),
    ...checkProbedDestination(plan, probe),
    ...checkClocks(probe),
    ...(await traffic(manager, { plan, probe, signal })),
  ];
}

/** Of what the manager logs, what keeps the receiver's pod from running. */
function noteProblem(line: string, note: (text: string) => void) {
  const problem = /"problem":("(?:[^"\\]|\\.)*")/.exec(line)?.[1];
  if (problem !== undefined) note(String(JSON.parse(problem)));
}

interface Looked {
  plan: Plan;
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
