import type { MigrationError } from "../../core/errors.ts";
import type { Cluster } from "../../kube/cluster.ts";
import type { KubeObject } from "../../kube/resource.ts";
import { describeAutoscalers } from "../cut-over/autoscalers.ts";
import { listLive } from "../deploy/live.ts";
import type { PlannedCluster } from "../deploy/plan-cluster.ts";
import type { NamespaceSecurity } from "../deploy/platform.ts";
import { statusOf } from "../deploy/refuse-living.ts";
import type { Sides } from "../deploy/sides.ts";
import type { RenderInput } from "../render/input.ts";
import { readsAsRoot } from "../render/security.ts";
import { type Answer, answerOf } from "./answer.ts";
import { checkApiClock } from "./check-api.ts";
import { checkImage } from "./check-image.ts";
import { checkLiving } from "./check-living.ts";
import { checkLimits, checkQuota } from "./check-quota.ts";
import { checkSecurity } from "./check-security.ts";
import { dryRun, managerPod, receiverPod, specOf } from "./dry-run.ts";
import type { Examination } from "./examination.ts";
import { type Finding, fromError, info, warning } from "./finding.ts";
import type { SideFacts } from "./side-facts.ts";

export interface PlannedFacts {
  examination: Examination;
  sides: Sides;
  source: SideFacts;
  destination: SideFacts;
  planned: Answer<PlannedCluster>;
}

/** What can be said once it is known which pods a run would make. */
export async function checkPlanned(facts: PlannedFacts): Promise<Finding[]> {
  const { sides, source, destination, planned } = facts;
  const findings = await checkNamespace(facts);
  if (planned.value === undefined) return findings;
  const { render, security } = planned.value;
  const { plan, receiver } = render;
  const ofManager = await checkPod(facts, {
    ...{ facts: source, cluster: sides.source.cluster, pod: managerPod(render) },
    ...{ image: render.image, node: render.data.node, security: security.source },
    asRoot: readsAsRoot(render),
    objects: {
      "count/pods": 1,
      "count/configmaps": 1,
      "count/secrets": 1,
      [workloads[render.workload]]: 1,
    },
  });
  const pod = receiverPod(render);
  if (receiver === undefined || pod === undefined) return [...findings, ...ofManager];
  const ofReceiver = await checkPod(facts, {
    ...{ facts: destination, cluster: sides.destination.cluster, pod },
    ...{ image: receiver.image, node: receiver.data.node, security: security.destination },
    asRoot: plan.options.ownership !== "inherit",
    objects: { "count/pods": 1 },
  });
  return [...findings, ...ofManager, ...ofReceiver];
}

const workloads = { deployment: "count/deployments.apps", job: "count/jobs.batch" } as const;

interface PodQuestion {
  facts: SideFacts;
  cluster: Cluster;
  pod: KubeObject;
  image: RenderInput["image"];
  node: string | undefined;
  security: NamespaceSecurity;
  asRoot: boolean;
  objects: Readonly<Record<string, number>>;
}

async function checkPod({ examination }: PlannedFacts, question: PodQuestion): Promise<Finding[]> {
  const { facts, cluster, pod, image, node, security, asRoot, objects } = question;
  const { side, nodes, quotas, limits, rights } = facts;
  const { clock, signal } = examination;
  const asked = await answerOf(() => dryRun(cluster, pod, clock.now), signal);
  const mayCreate =
    rights.value?.find(
      ({ resource, verb, subresource }) =>
        resource === "pods" && verb === "create" && subresource === undefined,
    )?.allowed === true;
  const quota = { quotas, limits, pod: specOf(pod), objects, isTaken: asked.error === undefined };
  return [
    ...checkApiClock(side, asked.value?.clock),
    ...checkSecurity({ side, security, asRoot, dryRun: asked, mayCreate }),
    ...checkQuota(`${side}.quota`, quota),
    ...checkLimits(`${side}.limits`, quota),
    ...checkImage({ side, nodes, image, node }),
  ];
}

/** What is in the source's namespace beside the release. */
async function checkNamespace(facts: PlannedFacts): Promise<Finding[]> {
  const { sides, source, planned, examination } = facts;
  const { signal } = examination;
  const { cluster } = sides.source;
  const found = source.found.value;
  if (found === undefined) return [];
  const namespace = found.namespace.value;
  const living = await answerOf(async () => {
    const all = await listLive(cluster, namespace);
    return await Promise.all(
      all.map(async (live) => ({ live, status: await statusOf(cluster, namespace, live) })),
    );
  }, signal);
  const name = planned.value?.plan.name;
  return [
    ...checkLiving({ name, living }),
    ...(await checkAutoscalers(
      facts,
      found.writers.map((one) => one.name),
      namespace,
    )),
  ];
}

async function checkAutoscalers(
  { sides, planned, examination }: PlannedFacts,
  writers: readonly string[],
  namespace: string,
): Promise<Finding[]> {
  const id = "source.autoscalers";
  const name = planned.value?.plan.name ?? "";
  const place = { cluster: sides.source.cluster, namespace, name };
  const texts = await answerOf(() => describeAutoscalers(place, writers), examination.signal);
  if (texts.value === undefined) return [fromError(id, texts.error)];
  return texts.value.map((text) => info(id, text));
}

/** Why no pod was looked from; what is told already is not told as an error again. */
export function sayUnplanned(error: MigrationError, findings: readonly Finding[]): Finding[] {
  const isTold = findings.some(
    ({ seen, severity }) => severity === "error" && seen === error.message,
  );
  const id = "pod";
  return isTold
    ? [warning(id, "No pod was started: what is wrong above comes first")]
    : [fromError(id, error)];
}
