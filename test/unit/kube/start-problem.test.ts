import { expect, it } from "vitest";
import type { ObjectEvent } from "../../../src/kube/namespace-objects.ts";
import type { ContainerStatus, Pod } from "../../../src/kube/pod.ts";
import { startProblem } from "../../../src/kube/start-problem.ts";

function podWith(state: ContainerStatus["state"], rest: Partial<ContainerStatus> = {}): Pod {
  return {
    metadata: { name: "m-1", uid: "u1" },
    spec: { containers: [{ name: "migration" }] },
    status: {
      phase: "Pending",
      containerStatuses: [
        { name: "migration", ready: false, restartCount: 0, image: "migctl:1", state, ...rest },
      ],
    },
  };
}

function event(reason: string, message: string, uid = "u1", at = "2026-01-01T00:00:00Z") {
  const about = { kind: "Pod", name: "m-1", uid };
  return {
    metadata: { name: `${reason}.1` },
    involvedObject: about,
    reason,
    message,
    lastTimestamp: at,
  } satisfies ObjectEvent;
}

const bare: Pod = {
  metadata: { name: "m-1", uid: "u1" },
  spec: { containers: [] },
  status: { phase: "Pending" },
};

function refused(message: string) {
  const condition = { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message };
  const template = { spec: { containers: [] } };
  return {
    workload: { metadata: { name: "m" }, spec: { template }, status: { conditions: [condition] } },
    pods: [],
    events: [],
  };
}

interface Case {
  name: string;
  given: Parameters<typeof startProblem>[0];
  code: string;
  final: boolean;
  words: RegExp;
}

const cases: Case[] = [
  {
    name: "an image that cannot be pulled, in the kubelet's words",
    given: {
      workload: undefined,
      pods: [
        podWith({ waiting: { reason: "ImagePullBackOff", message: "Back-off pulling image" } }),
      ],
      events: [event("Failed", 'Failed to pull image "migctl:1": not found')],
    },
    code: "E_POD",
    final: false,
    words: /"m-1" cannot get its image "migctl:1": Failed to pull image "migctl:1": not found/,
  },
  {
    name: "an image of another architecture",
    given: {
      workload: undefined,
      pods: [
        podWith({
          waiting: { reason: "ErrImagePull", message: "no match for platform in manifest" },
        }),
      ],
      events: [],
    },
    code: "E_POD",
    final: false,
    words: /no match for platform/,
  },
  {
    name: "a program of another architecture",
    given: {
      workload: undefined,
      pods: [
        podWith(
          { waiting: { reason: "CrashLoopBackOff" } },
          {
            lastState: {
              terminated: { exitCode: 128, message: "exec /usr/bin/tini: exec format error" },
            },
          },
        ),
      ],
      events: [],
    },
    code: "E_POD",
    final: true,
    words: /exec format error/,
  },
  {
    name: "a Secret that is not there yet",
    given: {
      workload: undefined,
      pods: [
        podWith({
          waiting: { reason: "CreateContainerConfigError", message: 'secret "x" not found' },
        }),
      ],
      events: [],
    },
    code: "E_POD",
    final: false,
    words: /secret "x" not found/,
  },
  {
    name: "a claim that is not bound",
    given: {
      workload: undefined,
      pods: [bare],
      events: [
        event(
          "FailedScheduling",
          "0/1 nodes are available: unbound immediate PersistentVolumeClaims",
        ),
      ],
    },
    code: "E_POD",
    final: false,
    words: /waits: 0\/1 nodes are available: unbound/,
  },
  {
    name: "a quota",
    given: refused('pods "m-1" is forbidden: exceeded quota: q'),
    code: "E_QUOTA",
    final: false,
    words: /exceeded quota: q/,
  },
  {
    name: "a quota that wants limits",
    given: refused("failed quota: q: must specify limits.memory"),
    code: "E_QUOTA",
    final: true,
    words: /must specify/,
  },
  {
    name: "Pod Security",
    given: refused('violates PodSecurity "restricted:latest"'),
    code: "E_PERMISSION",
    final: true,
    words: /PodSecurity/,
  },
];

it.each(cases)("names $name", ({ given, code, final, words }) => {
  const problem = startProblem(given);
  expect(problem).toMatchObject({ code, final });
  expect(problem?.message).toMatch(words);
  expect(problem?.hint).not.toBe("");
});

it("takes the newest event of this very pod, and none of its predecessor", () => {
  const events = [
    event("FailedScheduling", "of the pod before", "u0", "2026-01-03T00:00:00Z"),
    event("FailedScheduling", "older", "u1", "2026-01-01T00:00:00Z"),
    event("FailedMount", "newer", "u1", "2026-01-02T00:00:00Z"),
  ];
  expect(startProblem({ workload: undefined, pods: [bare], events })?.message).toMatch(/newer/);
});

it("knows of nothing wrong while an image is pulled", () => {
  const pods = [podWith({ waiting: { reason: "ContainerCreating" } })];
  expect(startProblem({ workload: undefined, pods, events: [event("Pulling", "Pulling")] })).toBe(
    undefined,
  );
});

it("takes no refusal of an earlier start for one of this start", () => {
  const { workload, ...nothing } = refused("exceeded quota: small");
  const changed = (generation: number, observedGeneration: number) => ({
    metadata: { ...workload.metadata, generation },
    spec: workload.spec,
    status: { ...workload.status, observedGeneration },
  });
  expect(startProblem({ workload: changed(2, 1), ...nothing })).toBe(undefined);
  expect(startProblem({ workload: changed(2, 2), ...nothing })).toMatchObject({ code: "E_QUOTA" });
  const events = [
    {
      ...event("FailedCreate", "must specify limits"),
      involvedObject: { kind: "ReplicaSet", name: "m-1" },
    },
  ];
  expect(startProblem({ workload: changed(2, 1), pods: [], events })).toBe(undefined);
});
