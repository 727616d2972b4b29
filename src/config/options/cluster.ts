import type { Option } from "../../core/option.ts";

/** The clusters, and how they are reached and waited for. */
export const clusterOptions = {
  network: {
    type: "string",
    describe: "The network config: both sides of a migration between clusters",
    value: "FILE",
    default: "network.json, where it is there",
    env: "MIGCTL_NETWORK",
    group: "Cluster",
  },
  namespace: {
    type: "string",
    alias: "n",
    describe: "The source's namespace, where it is not the one of the network config",
    value: "NAME",
    group: "Cluster",
  },
  context: {
    type: "string",
    describe: "The source's context in the kubeconfig",
    value: "NAME",
    group: "Cluster",
  },
  kubeconfig: {
    type: "string",
    describe: "The source's kubeconfig; without it $KUBECONFIG, then ~/.kube/config",
    value: "FILE",
    group: "Cluster",
  },
  set: {
    type: "string",
    array: true,
    describe: "A value of the network config, as source.claim=data-pvc; may be repeated",
    value: "PATH=VALUE",
    group: "Cluster",
  },
  transport: {
    type: "string",
    describe: "How files get there: straight to the receiver's pod, or over the API's exec stream",
    choices: ["auto", "direct", "exec"],
    default: "auto",
    group: "Cluster",
  },
  link: {
    type: "string",
    describe: "How documents get there: straight, through the receiver's pod, or by port-forward",
    choices: ["auto", "direct", "relay", "port-forward"],
    default: "auto",
    group: "Cluster",
  },
  wait: {
    type: "boolean",
    describe: "Follow the migration, and exit with its own exit code",
    default: false,
    group: "Cluster",
  },
  timeout: {
    type: "string",
    describe: "How long --wait waits at most; the migration itself goes on",
    value: "TIME",
    group: "Cluster",
  },
  "start-timeout": {
    type: "string",
    describe: "How long the pod may take to start",
    value: "TIME",
    default: "5m",
    group: "Cluster",
  },
  "dry-run": {
    type: "string",
    describe: "Make nothing: client tells what would be made, server has the API check it",
    choices: ["none", "client", "server"],
    default: "none",
    group: "Cluster",
  },
} as const satisfies Record<string, Option>;
