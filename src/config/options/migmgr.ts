import type { Option } from "../../core/option.ts";

/** What the commands of migmgr take, which work by hand on one part. */
export const migmgrOptions = {
  plan: {
    type: "string",
    describe: "The plan to work on; - is standard input",
    value: "FILE",
    required: true,
  },
  "uri-file": {
    type: "string",
    describe: "A file that holds the MongoDB URI",
    value: "FILE",
    required: true,
    env: "MIGCTL_URI_FILE",
  },
  database: {
    type: "string",
    describe: "The database's name",
    value: "NAME",
    required: true,
  },
  archive: {
    type: "string",
    describe: "The zip file of the documents",
    value: "FILE",
    required: true,
  },
  "report-dir": {
    type: "string",
    describe: "Folder for verdicts, conflicts, rejects and mismatches",
    value: "DIR",
  },
  ledger: {
    type: "string",
    describe: "Folder of the ledger; without it nothing at the destination counts as ours",
    value: "DIR",
  },
  collection: {
    type: "string",
    array: true,
    describe: "Only this collection; may be repeated",
    value: "NAME",
  },
  from: {
    type: "string",
    describe: "Source folder",
    value: "DIR",
    required: true,
  },
  to: {
    type: "string",
    describe: "Destination folder",
    value: "DIR",
    required: true,
  },
  path: {
    type: "string",
    array: true,
    describe: "Only this directory or file below the folder; may be repeated",
    value: "PATH",
  },
  exclude: {
    type: "string",
    array: true,
    describe: "Not this top-level name; may be repeated",
    value: "NAME",
  },
  root: {
    type: "string",
    describe: "The folder that is served: the destination's data",
    value: "DIR",
    required: true,
  },
  socket: {
    type: "string",
    describe: "The unix socket of the receiver",
    value: "PATH",
  },
  port: {
    type: "number",
    describe: "Where the receiver listens for direct connections, once it was given a key",
    value: "N",
    default: 0,
  },
  "idle-timeout": {
    type: "string",
    describe: "End when nobody was connected for so long",
    value: "TIME",
  },
} as const satisfies Record<string, Option>;
