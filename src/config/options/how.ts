import type { Option } from "../../core/option.ts";
import { conflictPolicies } from "../../core/verdict.ts";

/** How it is moved. */
export const howOptions = {
  "on-conflict": {
    type: "string",
    describe: "What to do where the destination has something else that this tool did not write",
    choices: conflictPolicies,
    default: "keep-destination",
    group: "How",
  },
  verify: {
    type: "string",
    describe: "Whose content is hashed on both sides: written, full, sample=<percent>%, or none",
    value: "MODE",
    default: "written",
    group: "How",
  },
  ownership: {
    type: "string",
    describe: "Keep owner and group (as root), change some, or let them be the destination's",
    choices: ["preserve", "inherit", "map"],
    default: "preserve as root, inherit otherwise",
    group: "How",
  },
  usermap: {
    type: "string",
    describe: "With --ownership map: what users become, by id; FROM may be a range N-M or *",
    value: "FROM:TO,...",
    group: "How",
  },
  groupmap: {
    type: "string",
    describe: "With --ownership map: what groups become, by id; FROM may be a range N-M or *",
    value: "FROM:TO,...",
    group: "How",
  },
  chown: {
    type: "string",
    describe: "With --ownership map: whose all files become, by id; UID: or :GID changes only one",
    value: "UID:GID",
    group: "How",
  },
  compression: {
    type: "string",
    describe: "How the archive of the documents is packed",
    choices: ["deflate", "store"],
    default: "deflate",
    group: "How",
  },
  bwlimit: {
    type: "string",
    describe: "How much of files may be sent each second, in KiB or as 500K, 1.5M; 0 is no limit",
    value: "RATE",
    group: "How",
  },
  "retry-timeout": {
    type: "string",
    describe: "How long a server that is away is tried again before the step fails",
    value: "TIME",
    default: "1m for documents, 10m for files",
    group: "How",
  },
  "wait-lock": {
    type: "string",
    describe: "How long to wait while another migration works on the same; then it ends with 7",
    value: "TIME",
    default: "0",
    group: "How",
  },
  after: {
    type: "string",
    describe: "Do at the destination what the application needs after a migration, or only list it",
    choices: ["list", "run"],
    default: "list",
    group: "How",
  },
  "force-db": {
    type: "boolean",
    describe: "Allow db alone although the files of the scope are not recorded as moved",
    default: false,
    group: "How",
  },
  prune: {
    type: "boolean",
    describe: "Remove at the destination what vanished at the source and was written by us alone",
    default: false,
    group: "How",
  },
  overlap: {
    type: "boolean",
    describe:
      "Restore a collection as soon as it is backed up and checked, not only once all of them are",
    default: false,
    group: "How",
  },
  profile: {
    type: "boolean",
    describe: "Have the report tell where the time went, and what would make it faster",
    default: false,
    group: "How",
  },
  rerun: {
    type: "boolean",
    describe: "Do all steps again, as the second stage; what did not change costs nothing",
    default: false,
    group: "How",
  },
  name: {
    type: "string",
    describe: "The deployment's name, where it is not to be made from the request",
    value: "NAME",
    group: "How",
  },
  "work-dir": {
    type: "string",
    describe: "Holds plan, status, archive and ledger",
    value: "DIR",
    default: "<source-dir>/logs/migrations",
    env: "MIGCTL_WORK_DIR",
    group: "How",
  },
} as const satisfies Record<string, Option>;
