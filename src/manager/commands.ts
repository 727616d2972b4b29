import type { Command } from "../core/command.ts";
import type { ManagerContext } from "./context.ts";

/** All commands; what one of them needs is loaded when it is named. */
export const managerCommands: readonly Command<ManagerContext>[] = [
  {
    name: "run",
    describe: "Do what a plan says; go on where an earlier attempt stopped",
    load: async () => (await import("./commands/run.ts")).runCommand,
  },
  {
    name: "status",
    describe: "Show the steps of a migration; works without anything running",
    load: async () => (await import("./commands/status.ts")).statusCommand,
  },
  {
    name: "bwlimit",
    describe: "Change how much of files a migration may send each second, also while it runs",
    load: async () => (await import("./commands/bwlimit.ts")).bwlimitCommand,
  },
  {
    name: "list",
    describe: "List the migrations of a work directory; works without anything running",
    load: async () => (await import("./commands/list.ts")).listCommand,
  },
  {
    name: "collect",
    describe: "Print what tells of a migration, for migctl debug; works without anything running",
    load: async () => (await import("./commands/collect.ts")).collectCommand,
  },
  {
    name: "check",
    describe: "Look at both sides of a request, write nothing, and tell what a plan must know",
    load: async () => (await import("./commands/check.ts")).checkCommand,
  },
  {
    name: "forecast",
    describe: "Tell what a plan would move and what would clash; nothing is written to either side",
    load: async () => (await import("./commands/forecast.ts")).forecastCommand,
  },
  {
    name: "fingerprint",
    describe: "Tell what of a plan's source changes with every write; two equal ones mean silence",
    load: async () => (await import("./commands/fingerprint.ts")).fingerprintCommand,
  },
  {
    name: "verify",
    describe: "Check an earlier migration again: read both sides, compare, write nothing",
    load: async () => (await import("./commands/verify.ts")).verifyCommand,
  },
  {
    name: "undo",
    describe:
      "Take a migration back, as far as nobody changed since what it wrote; a look by default",
    load: async () => (await import("./commands/undo.ts")).undoCommand,
  },
  {
    name: "db backup",
    describe: "Write a database's collections into one zip file",
    load: async () => (await import("./commands/db.ts")).dbBackupCommand,
  },
  {
    name: "db restore",
    describe:
      "Load an archive into a database; documents that are there are compared, not replaced",
    load: async () => (await import("./commands/db.ts")).dbRestoreCommand,
  },
  {
    name: "db verify",
    describe: "Read the documents of an archive back from a database and compare them by bytes",
    load: async () => (await import("./commands/db.ts")).dbVerifyCommand,
  },
  {
    name: "files sync",
    describe: "Bring a folder, or directories below it, to another folder by rsync",
    load: async () => (await import("./commands/files.ts")).filesSyncCommand,
  },
  {
    name: "files tar",
    describe: "Bring single files to another folder by tar, never through a symbolic link",
    load: async () => (await import("./commands/files.ts")).filesTarCommand,
  },
  {
    name: "files verify",
    describe: "Read a folder back and compare it with its source; writes nothing to either side",
    load: async () => (await import("./commands/files-verify.ts")).filesVerifyCommand,
  },
  {
    name: "inspect",
    describe:
      "Describe a site without any value of it: collections, field types, shape of the tree",
    load: async () => (await import("./commands/inspect.ts")).inspectCommand,
  },
  {
    name: "probe",
    describe: "Look from here at both sides of a plan, and tell what is there and what is not",
    load: async () => (await import("./commands/probe.ts")).probeCommand,
  },
  {
    name: "receive",
    describe:
      "Take files in at the destination, and lead into its network; runs in the receiver pod",
    load: async () => (await import("./commands/receive.ts")).receiveCommand,
  },
  {
    name: "attach",
    describe: "Join standard input and output with the receiver that runs here",
    load: async () => (await import("./commands/attach.ts")).attachCommand,
  },
];
