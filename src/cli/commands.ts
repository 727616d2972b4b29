import type { Command } from "../core/command.ts";
import type { CliContext } from "./context.ts";

/** All commands; what one of them needs is loaded when it is named. */
export const cliCommands: readonly Command<CliContext>[] = [
  {
    name: "start",
    describe: "Move an application, or go on with a move that was stopped",
    isDefault: true,
    load: async () => (await import("./commands/start.ts")).startCommand,
  },
  {
    name: "init",
    describe: "Write the network config: asks where there is a terminal, and checks both sides",
    load: async () => (await import("./commands/init.ts")).initCommand,
  },
  {
    name: "doctor",
    describe: "Check all that a migration needs, on both sides and from within a pod, with the fix",
    load: async () => (await import("./commands/doctor.ts")).doctorCommand,
  },
  {
    name: "plan",
    describe: "Show what would be moved, what clashes and what is needed; nothing is written",
    load: async () => (await import("./commands/plan.ts")).planCommand,
  },
  {
    name: "status",
    describe: "Show the migrations of a source, or the steps of one",
    load: async () => (await import("./commands/status.ts")).statusCommand,
  },
  {
    name: "bwlimit",
    describe: "Change how much of files a migration may send each second, also while it runs",
    load: async () => (await import("./commands/bwlimit.ts")).bwlimitCommand,
  },
  {
    name: "logs",
    describe: "Print the log of a migration's pod",
    load: async () => (await import("./commands/logs.ts")).logsCommand,
  },
  {
    name: "debug",
    describe:
      "Put what tells of a migration into one file, without secrets, for who is asked for help",
    load: async () => (await import("./commands/debug.ts")).debugCommand,
  },
  {
    name: "delete",
    describe:
      "Stop a migration and remove what was made for it; what it moved, and its state, stay",
    load: async () => (await import("./commands/delete.ts")).deleteCommand,
  },
  {
    name: "render",
    describe: "Print the YAML of a migration, for kubectl apply -f -; nothing is made",
    load: async () => (await import("./commands/render.ts")).renderCommand,
  },
  {
    name: "report",
    describe: "Show what a migration moved, and what every document and file became",
    load: async () => (await import("./commands/report.ts")).reportCommand,
  },
  {
    name: "resume-source",
    describe: "Put back the source's writers that --quiesce scaled down",
    load: async () => (await import("./commands/resume-source.ts")).resumeSourceCommand,
  },
  {
    name: "rbac",
    describe:
      "Print the ServiceAccount, Role and RoleBinding that one side needs, and nothing more",
    load: async () => (await import("./commands/rbac.ts")).rbacCommand,
  },
  {
    name: "secret create",
    describe: "Make or renew the Secret of a migration, which the YAML of migctl render refers to",
    load: async () => (await import("./commands/secret.ts")).secretCreateCommand,
  },
  {
    name: "image load",
    describe: "Give this host's container runtime the image out of its archive",
    load: async () => (await import("./commands/image.ts")).imageLoadCommand,
  },
  {
    name: "image push",
    describe: "Put the image into a registry that the destination can pull from",
    load: async () => (await import("./commands/image.ts")).imagePushCommand,
  },
  {
    name: "verify",
    describe: "Check an earlier migration again: read both sides and compare; nothing is written",
    load: async () => (await import("./commands/verify.ts")).verifyCommand,
  },
  {
    name: "undo",
    describe:
      "Take a migration back, as far as nobody changed since what it wrote; shows it, unless --yes",
    load: async () => (await import("./commands/undo.ts")).undoCommand,
  },
];
