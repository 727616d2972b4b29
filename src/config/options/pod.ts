import type { Option } from "../../core/option.ts";

/** The pods that work in the clusters. */
export const podOptions = {
  workload: {
    type: "string",
    describe: "What runs the manager",
    choices: ["deployment", "job"],
    default: "deployment",
    group: "Pod",
  },
  template: {
    type: "string",
    describe:
      "How the manager's pod looks: with all that makes it safe, or as it was first described",
    choices: ["safe", "classic"],
    default: "safe",
    group: "Pod",
  },
  image: {
    type: "string",
    describe: "The manager's image, where it is not to be derived from the nodes' architecture",
    value: "IMAGE",
    env: "MIGCTL_IMAGE",
    group: "Pod",
  },
  tag: {
    type: "string",
    describe: "The image's tag",
    value: "TAG",
    default: "migctl's own version",
    group: "Pod",
  },
  "image-pull-secret": {
    type: "string",
    describe: "A Secret of the source's namespace with the registry's log-in",
    value: "NAME",
    group: "Pod",
  },
  "image-file": {
    type: "string",
    describe: "An archive of the image, which is loaded where the node lacks it",
    value: "FILE",
    group: "Pod",
  },
  "destination-image": {
    type: "string",
    describe: "The receiver's image, where the destination pulls from another registry",
    value: "IMAGE",
    group: "Pod",
  },
  "service-account": {
    type: "string",
    describe:
      "An existing ServiceAccount for the manager; without it one of its own without a token",
    value: "NAME",
    group: "Pod",
  },
  requests: {
    type: "string",
    describe: "What the pod asks for, such as cpu=500m,memory=256Mi",
    value: "LIST",
    group: "Pod",
  },
  limits: {
    type: "string",
    describe: "What the pod may use at most, such as memory=1Gi",
    value: "LIST",
    group: "Pod",
  },
  "skip-pod": {
    type: "boolean",
    describe: "Ask the two APIs alone, and make no pod to look from within",
    default: false,
    group: "Pod",
  },
  attempt: {
    type: "string",
    describe:
      "Names this start: what failed is not tried again by a restart under the same name, nor is --rerun done twice",
    value: "NAME",
    group: "Pod",
  },
  stay: {
    type: "boolean",
    describe: "Once it is over, wait to be stopped, so that nothing restarts the container",
    default: false,
    group: "Pod",
  },
  "ready-file": {
    type: "string",
    describe: "A file that is removed once a stop that SIGUSR2 asked for is complete",
    value: "FILE",
    env: "MIGCTL_READY_FILE",
    group: "Pod",
  },
  "termination-log": {
    type: "string",
    describe: "The file of the container's termination message",
    value: "FILE",
    env: "MIGCTL_TERMINATION_LOG",
    group: "Pod",
  },
} as const satisfies Record<string, Option>;
