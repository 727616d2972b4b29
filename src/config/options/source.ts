import type { Option } from "../../core/option.ts";

/** Where it comes from. */
export const sourceOptions = {
  "source-dir": {
    type: "string",
    describe: "The source's data folder",
    value: "DIR",
    env: "MIGCTL_SOURCE_DIR",
    group: "Source",
  },
  "source-uri-file": {
    type: "string",
    describe: "A file that holds the source's MongoDB URI",
    value: "FILE",
    env: "MIGCTL_SOURCE_URI_FILE",
    group: "Source",
  },
  "source-database": {
    type: "string",
    describe: "The source's database, where it is not the application's default",
    value: "NAME",
    group: "Source",
  },
  "source-ssh": {
    type: "string",
    describe: "Reach the source's database through an SSH tunnel of this host",
    value: "USER@HOST",
    group: "Source",
  },
  "ssh-config": {
    type: "string",
    describe: "A configuration for ssh: port, key, known hosts; without it ssh's own holds",
    value: "FILE",
    env: "MIGCTL_SSH_CONFIG",
    group: "Source",
  },
  "source-context": {
    type: "string",
    describe: "The source's context in the kubeconfig; without it the current one",
    value: "NAME",
    group: "Source",
  },
  "source-namespace": {
    type: "string",
    describe: "The source's namespace, where the context does not name it",
    value: "NAME",
    group: "Source",
  },
} as const satisfies Record<string, Option>;
