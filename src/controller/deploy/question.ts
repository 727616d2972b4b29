import { randomBytes } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { Cluster } from "../../kube/cluster.ts";
import { KubeObject } from "../../kube/resource.ts";
import type { StartProblem } from "../../kube/start-problem.ts";
import { waitForPod } from "../../kube/wait-for-pod.ts";
import { Job } from "../../kube/workloads.ts";
import { managerSelector } from "../labels.ts";
import type { RenderInput } from "../render/input.ts";
import { renderMigration } from "../render/migration.ts";
import { applyObjects } from "./apply.ts";
import type { PodManager } from "./pod-manager.ts";
import { removeObjects, stopManager } from "./remove.ts";

export interface QuestionPorts {
  cluster: Cluster;
  clock: Clock;
  signal: AbortSignal;
  startTimeoutSeconds: number;
  onProblem(problem: StartProblem): void;
}

const longestSeconds = 3600;

/**
 * Runs `ask` with the manager's program in a pod of its own, which has the mounts, the user and the
 * credentials that the migration's own pod would have, and goes away afterwards.
 */
export async function withQuestionPod<T>(
  input: RenderInput,
  ports: QuestionPorts,
  ask: (manager: PodManager) => Promise<T>,
): Promise<T> {
  const name = `migctl-question-${randomBytes(4).toString("hex")}`;
  const { cluster, clock, signal, onProblem } = ports;
  const { namespace } = input;
  const objects = questionObjects(input, name);
  try {
    await applyObjects(cluster, objects);
    const pod = await waitForPod({
      ...{ cluster, namespace, clock, signal, onProblem },
      workload: { kind: "Job", name },
      labels: managerSelector(name),
      timeoutSeconds: ports.startTimeoutSeconds,
    });
    return await ask({ cluster, container: { namespace, pod: pod.metadata.name } });
  } finally {
    // Also after an abort: what was made for the question alone must not stay.
    const removal = { cluster, namespace, name, clock, signal: AbortSignal.timeout(60_000) };
    await stopManager(removal);
    await removeObjects(removal);
  }
}

/** As the migration's own objects, under the question's name, with a Job that only waits. */
function questionObjects(input: RenderInput, name: string): KubeObject[] {
  const { secret, values } = input.credentials;
  const objects = renderMigration({
    ...input,
    plan: { ...input.plan, name },
    workload: "job",
    template: "safe",
    credentials: values === undefined ? { secret } : { secret: name, values },
    attempt: "question",
  });
  return objects.map((object) => (object.kind === "Job" ? waitingJob(object) : object));
}

function waitingJob(object: KubeObject): KubeObject {
  const { spec } = Job.parse(object);
  const { podFailurePolicy: _, podReplacementPolicy: __, ...rest } = spec;
  const { template } = spec;
  const containers = template.spec.containers.map(
    ({ lifecycle: ___, readinessProbe: ____, ...container }) => ({
      ...container,
      args: [`trap 'exit 0' TERM; sleep ${longestSeconds} & wait`],
    }),
  );
  return KubeObject.parse({
    ...object,
    spec: {
      ...rest,
      backoffLimit: 0,
      activeDeadlineSeconds: longestSeconds,
      ttlSecondsAfterFinished: 60,
      template: { ...template, spec: { ...template.spec, containers } },
    },
  });
}
