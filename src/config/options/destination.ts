import type { Option } from "../../core/option.ts";

/** Where it goes. */
export const destinationOptions = {
  "dest-dir": {
    type: "string",
    describe: "The destination's data folder",
    value: "DIR",
    env: "MIGCTL_DEST_DIR",
    group: "Destination",
  },
  "dest-uri-file": {
    type: "string",
    describe: "A file that holds the destination's MongoDB URI",
    value: "FILE",
    env: "MIGCTL_DEST_URI_FILE",
    group: "Destination",
  },
  "dest-database": {
    type: "string",
    describe: "The destination's database, where it is not the application's default",
    value: "NAME",
    group: "Destination",
  },
  "dest-context": {
    type: "string",
    describe: "The destination's context in the kubeconfig",
    value: "NAME",
    group: "Destination",
  },
  "dest-server": {
    type: "string",
    describe: "The URL of the destination's API, in place of a context",
    value: "URL",
    group: "Destination",
  },
  "dest-token-file": {
    type: "string",
    describe: "A file that holds the token for it",
    value: "FILE",
    group: "Destination",
  },
  "dest-ca-file": {
    type: "string",
    describe: "The CA that its certificate is of (PEM)",
    value: "FILE",
    group: "Destination",
  },
  "dest-namespace": {
    type: "string",
    describe: "The destination's namespace, where the context does not name it",
    value: "NAME",
    group: "Destination",
  },
} as const satisfies Record<string, Option>;
