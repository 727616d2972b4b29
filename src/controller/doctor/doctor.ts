import { type PlannedCluster, planSeen, refuseUnfit } from "../deploy/plan-cluster.ts";
import { openSides, openSource, type Sides } from "../deploy/sides.ts";
import { type Answer, answerOf, requireValue } from "./answer.ts";
import { checkPlanned, sayUnplanned } from "./check-planned.ts";
import { checkBoth, checkSide } from "./check-side.ts";
import type { Examination } from "./examination.ts";
import type { Finding } from "./finding.ts";
import { checkInPod } from "./in-pod.ts";
import { askSide, type SideFacts, unopened } from "./side-facts.ts";

/**
 * Looks at all that a migration needs, and writes nothing but the short-lived pods that it looks
 * from. Returns one finding or more for each check: what fails never hides the rest.
 */
export async function examine(examination: Examination): Promise<Finding[]> {
  const { request, application, signal } = examination;
  const sides = await answerOf(() => openSides(examination.network, examination), signal);
  const [source, destination] = await askBoth(examination, sides);
  const findings = [
    ...checkSide(source, request),
    ...checkSide(destination, request),
    ...checkBoth(source, destination),
  ];
  if (sides.value === undefined) return findings;
  const opened = sides.value;
  const planned: Answer<PlannedCluster> = await answerOf(async () => {
    refuseUnfit(request, application, opened);
    const found = {
      source: requireValue(source.found),
      destination: requireValue(destination.found),
    };
    const security = {
      source: requireValue(source.security),
      destination: requireValue(destination.security),
    };
    return await planSeen(request, application, { sides: opened, found, security }, examination);
  }, signal);
  findings.push(
    ...(await checkPlanned({ examination, sides: opened, source, destination, planned })),
  );
  if (planned.value === undefined) return [...findings, ...sayUnplanned(planned.error, findings)];
  if (!examination.withPod) return findings;
  return [...findings, ...(await checkInPod(planned.value, opened, examination))];
}

/** Each side by itself: a kubeconfig that lacks the one's context says nothing of the other. */
async function askBoth(
  examination: Examination,
  sides: Answer<Sides>,
): Promise<[SideFacts, SideFacts]> {
  const { request, application, network, signal } = examination;
  const common = { application, request, signal };
  if (sides.value !== undefined) {
    const { source, destination } = sides.value;
    return await Promise.all([
      askSide({ side: "source", opened: source, ...common }),
      askSide({ side: "destination", opened: destination, ...common }),
    ]);
  }
  const alone = await answerOf(() => openSource(network, examination), signal);
  if (alone.value === undefined) {
    return [unopened("source", alone.error), unopened("destination", sides.error)];
  }
  return [
    await askSide({ side: "source", opened: alone.value, ...common }),
    unopened("destination", sides.error),
  ];
}
