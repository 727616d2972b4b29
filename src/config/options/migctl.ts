import type { Option } from "../../core/option.ts";

/** What a single command of migctl takes. */
export const migctlOptions = {
  out: {
    type: "string",
    describe: "The file to write",
    value: "FILE",
    default: "network.json",
  },
  force: {
    type: "boolean",
    describe: "Replace the file where it is there already",
    default: false,
  },
  "no-input": {
    type: "boolean",
    describe: "Ask nothing, also at a terminal",
    default: false,
    env: "MIGCTL_NO_INPUT",
  },
  "with-secrets": {
    type: "boolean",
    describe: "Print secret values too; without it the YAML refers to a Secret made beforehand",
    default: false,
  },
  follow: {
    type: "boolean",
    alias: "f",
    describe: "Go on with what comes",
    default: false,
  },
  tail: {
    type: "number",
    describe: "Only so many lines from the end",
    value: "LINES",
  },
  previous: {
    type: "boolean",
    alias: "p",
    describe: "Of the container's instance before this one",
    default: false,
  },
  purge: {
    type: "boolean",
    describe:
      "Remove also what the migration keeps on the source's volume; it cannot be undone then",
    default: false,
  },
  yes: {
    type: "boolean",
    describe: "Do it; without it only what would be done is shown",
    default: false,
  },
  side: {
    type: "string",
    describe: "Which of the two sides",
    choices: ["source", "destination"],
    required: true,
  },
  "detailed-exitcode": {
    type: "boolean",
    describe: "Exit with 10 when there is something to move",
    default: false,
  },
} as const satisfies Record<string, Option>;
