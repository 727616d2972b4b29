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
  /** After which the pod goes away by itself, should we not be there any more; an hour. */
  longestSeconds?: number;
  onProblem(problem: StartProblem): void;
}

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
  const objects = questionObjects(input, { name, seconds: ports.longestSeconds ?? 3600 });
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
    const removal = {
      cluster,
      namespace,
      name,
      clock,
      signal: AbortSignal.timeout(endMilliseconds),
    };
    await stopManager(removal);
    await removeObjects(removal);
  }
}

/** The pod's grace period, in which a receiver of its own goes as well. */
const endMilliseconds = 150_000;

interface Waiting {
  name: string;
  seconds: number;
}

/** As the migration's own objects, under the question's name, with a Job that only waits. */
function questionObjects(input: RenderInput, { name, seconds }: Waiting): KubeObject[] {
  const { secret, values } = input.credentials;
  const objects = renderMigration({
    ...input,
    plan: { ...input.plan, name },
    workload: "job",
    template: "safe",
    credentials: values === undefined ? { secret } : { secret: name, values },
    attempt: "question",
  });
  return objects.map((object) => (object.kind === "Job" ? waitingJob(object, seconds) : object));
}

/**
 * What was asked is told to stop with the pod, and is waited for: it may have a receiver to remove.
 * Its name is in the pattern in a way that the pattern is not found in itself.
 */
function waitingScript(seconds: number): string {
  const stop = `trap '' TERM; kill -TERM -1; while grep -qs '[m]igctl.mjs' /proc/[0-9]*/cmdline; do sleep 0.2; done; exit 0`;
  return `stop() { ${stop}; }; trap stop TERM; sleep ${seconds} & wait`;
}

function waitingJob(object: KubeObject, seconds: number): KubeObject {
  const { spec } = Job.parse(object);
  const { podFailurePolicy: _, podReplacementPolicy: __, ...rest } = spec;
  const { template } = spec;
  const containers = template.spec.containers.map(
    ({ lifecycle: ___, readinessProbe: ____, ...container }) => ({
      ...container,
      args: [waitingScript(seconds)],
    }),
  );
  return KubeObject.parse({
    ...object,
    spec: {
      ...rest,
      backoffLimit: 0,
      activeDeadlineSeconds: seconds,
      ttlSecondsAfterFinished: 60,
      template: { ...template, spec: { ...template.spec, containers } },
    },
  });
}
