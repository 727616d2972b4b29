import type { Option } from "../../core/option.ts";

/** What a migration moves. */
export const whatOptions = {
  migrationType: {
    type: "string",
    describe: "What to move: files and documents, files alone, or documents whose files are there",
    choices: ["full", "files", "db"],
    default: "full",
    group: "What",
  },
  application: {
    type: "string",
    describe: "A built-in application, or the path of your own description (YAML)",
    value: "NAME|FILE",
    default: "mvi",
    env: "MIGCTL_APPLICATION",
    group: "What",
  },
  user: {
    type: "string",
    array: true,
    describe: "Only what belongs to this user; may be repeated, each is an item of its own",
    value: "NAME",
    group: "What",
  },
  "project-group": {
    type: "string",
    array: true,
    describe: "Only this project group, by its id; may be repeated",
    value: "ID",
    group: "What",
  },
  "include-references": {
    type: "boolean",
    describe: "Take along what the selected documents refer to outside of the scope",
    default: false,
    group: "What",
  },
  "include-collection": {
    type: "string",
    array: true,
    describe: "Take along a collection that the application never moves otherwise",
    value: "NAME",
    group: "What",
  },
  "include-path": {
    type: "string",
    array: true,
    describe: "Take along a top-level path that the application never moves otherwise",
    value: "NAME",
    group: "What",
  },
} as const satisfies Record<string, Option>;
