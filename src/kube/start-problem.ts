import { type ErrorCode, MigrationError } from "../core/errors.ts";
import { isPodSecurity, podSecurityHint } from "./api-error.ts";
import type { ObjectEvent } from "./namespace-objects.ts";
import type { ContainerStatus, Pod } from "./pod.ts";
import type { Job, Workload } from "./workloads.ts";

/** What is known of a pod that is to start. */
export interface Starting {
  workload: Workload | Job | undefined;
  pods: readonly Pod[];
  events: readonly ObjectEvent[];
}

/** Why a pod does not run yet, in the cluster's own words. */
export interface StartProblem {
  code: ErrorCode;
  message: string;
  hint: string;
  /** Waiting does not help. */
  final: boolean;
}

/** What keeps a pod from running; undefined while nothing is known to be wrong. */
export function startProblem(starting: Starting): StartProblem | undefined {
  const pod = starting.pods.find(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (pod === undefined) return refusedPod(starting);
  return containerProblem(pod, starting.events) ?? pendingProblem(pod, starting.events);
}

/** The error that goes with a problem. */
export function toError({ code, message, hint }: StartProblem): MigrationError {
  return new MigrationError(code, message, { hint });
}

/** No pod was made: the words are in a Deployment's conditions, and in the events of a Job. */
function refusedPod({ workload, events }: Starting): StartProblem | undefined {
  // Events of ReplicaSets may be those of an earlier start: they are kept for an hour.
  const own = events.filter(({ involvedObject: { kind } }) => kind !== "ReplicaSet");
  const words = replicaFailure(workload) ?? newest(own, ["FailedCreate"])?.message;
  if (words === undefined) return undefined;
  const name = workload?.metadata.name ?? "the migration";
  const message = `No pod could be made for "${name}": ${words}`;
  return { message, ...reasonOfRefusal(words) };
}

function replicaFailure(workload: Starting["workload"]): string | undefined {
  const { generation } = workload?.metadata ?? {};
  const { observedGeneration, conditions = [] } = workload?.status ?? {};
  // What was said of the workload before it was changed does not count.
  const isOld = generation !== undefined && observedGeneration !== generation;
  if (isOld) return undefined;
  const all: readonly { type: string; status: string; message?: string | undefined }[] = conditions;
  return all.find(({ type, status }) => type === "ReplicaFailure" && status === "True")?.message;
}

function reasonOfRefusal(words: string): Pick<StartProblem, "code" | "hint" | "final"> {
  if (/exceeded quota|maximum .* usage per/i.test(words)) {
    const hint = "Raise the quota, or ask for less with --requests and --limits";
    return { code: "E_QUOTA", hint, final: false };
  }
  if (/must specify|failed quota/i.test(words)) {
    const hint = "The quota wants every pod to say what it uses: give --requests and --limits";
    return { code: "E_QUOTA", hint, final: true };
  }
  if (isPodSecurity(words)) {
    return { code: "E_PERMISSION", hint: podSecurityHint, final: true };
  }
  if (/serviceaccount .* not found/i.test(words)) {
    return { code: "E_POD", hint: "Make the ServiceAccount, or name another one", final: false };
  }
  return {
    code: "E_POD",
    hint: "Change what the cluster objects to, then start again",
    final: false,
  };
}

const imageReasons = new Set([
  ...["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"],
  ...["RegistryUnavailable", "ImageInspectError"],
]);

function containerProblem(pod: Pod, events: readonly ObjectEvent[]): StartProblem | undefined {
  for (const status of pod.status?.containerStatuses ?? []) {
    const { waiting } = status.state ?? {};
    const name = `The pod "${pod.metadata.name}"`;
    if (waiting?.reason !== undefined && imageReasons.has(waiting.reason)) {
      const pulled = newest(eventsOf(pod, events), ["Failed", "ErrImageNeverPull"])?.message;
      const words = /back-off/i.test(waiting.message ?? "") ? pulled : waiting.message;
      return {
        ...imageProblem(name, status, words ?? pulled ?? waiting.message ?? waiting.reason),
        final: waiting.reason === "InvalidImageName" || waiting.reason === "ErrImageNeverPull",
      };
    }
    const problem = startFailure(name, status);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function imageProblem(name: string, { image }: ContainerStatus, words: string) {
  const isPlatform = /no match for platform|exec format|manifest for linux/i.test(words);
  const hint = isPlatform
    ? "The image is not built for this node's architecture: give --image with one that is"
    : "Load it with --image-file, or name one that the node can pull with --image (and --image-pull-secret)";
  const message = `${name} cannot get its image "${image ?? ""}": ${words}`;
  return { code: "E_POD" as const, message, hint };
}

/** A program that cannot be started at all is not tried for ever. */
function startFailure(name: string, { state, lastState }: ContainerStatus) {
  const { waiting } = state ?? {};
  const ended = state?.terminated ?? lastState?.terminated;
  const words = [waiting?.message, ended?.message].filter((text) => text !== undefined).join(" ");
  if (/exec format error/i.test(words) || ended?.reason === "ContainerCannotRun") {
    const hint =
      "The image is not built for this node's architecture: give --image with one that is";
    return { code: "E_POD" as const, message: `${name} cannot run: ${words}`, hint, final: true };
  }
  if (waiting?.reason === "CreateContainerConfigError" || waiting?.reason === "RunContainerError") {
    const message = `${name} cannot start: ${waiting.message ?? waiting.reason}`;
    return { code: "E_POD" as const, message, hint: configHint(words), final: false };
  }
  if (waiting?.reason !== "CrashLoopBackOff" || ended === undefined) return undefined;
  const exit = `its program ended with ${ended.exitCode}${ended.message ? `: ${ended.message}` : ""}`;
  const hint = "Look at its log: migctl logs";
  return {
    code: "E_POD" as const,
    message: `${name} does not stay up: ${exit}`,
    hint,
    final: true,
  };
}

function configHint(words: string): string {
  if (/secret .* not found/i.test(words)) {
    return "Make the Secret with migctl secret create, then it starts by itself";
  }
  if (/runAsNonRoot|non-root/i.test(words)) {
    return "Choose --ownership inherit, or an image with a numeric user";
  }
  return "Change what the kubelet objects to; the pod then starts by itself";
}

const scheduling = ["FailedScheduling", "FailedMount", "FailedAttachVolume", "FailedBinding"];

function pendingProblem(pod: Pod, events: readonly ObjectEvent[]): StartProblem | undefined {
  if (pod.status?.phase !== "Pending") return undefined;
  const name = `The pod "${pod.metadata.name}"`;
  const event = newest(eventsOf(pod, events), [...scheduling, "FailedCreatePodSandBox"]);
  const condition = pod.status.conditions?.find(
    ({ type, status }) => type === "PodScheduled" && status === "False",
  );
  const words = event?.message ?? condition?.message;
  if (words === undefined) return undefined;
  const message = `${name} waits: ${words}`;
  return { code: "E_POD", message, hint: pendingHint(words), final: false };
}

function pendingHint(words: string): string {
  if (/node affinity|node selector|affinity\/selector/i.test(words)) {
    return "No node has an architecture that the image is built for: give --image with one that is";
  }
  if (/persistentvolumeclaim|volume|mount/i.test(words)) {
    return "See why the volume is not there: kubectl describe pvc";
  }
  if (/insufficient/i.test(words)) return "Free room on a node, or ask for less with --requests";
  return "See kubectl describe pod for all of it";
}

function eventsOf(pod: Pod, events: readonly ObjectEvent[]): ObjectEvent[] {
  const { uid, name } = pod.metadata;
  return events.filter(({ involvedObject: about }) =>
    about.uid === undefined || uid === undefined ? about.name === name : about.uid === uid,
  );
}

function newest(events: readonly ObjectEvent[], reasons: readonly string[]) {
  const timeOf = ({ lastTimestamp, eventTime, metadata }: ObjectEvent) =>
    Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? "") || 0;
  return events
    .filter(({ reason }) => reason !== undefined && reasons.includes(reason))
    .sort((a, b) => timeOf(b) - timeOf(a))[0];
}
