import type { Command } from "../core/command.ts";
import { debugCommand } from "./commands/debug.ts";
import { deleteCommand } from "./commands/delete.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { imageLoadCommand, imagePushCommand } from "./commands/image.ts";
import { initCommand } from "./commands/init.ts";
import { logsCommand } from "./commands/logs.ts";
import { planCommand } from "./commands/plan.ts";
import { rbacCommand } from "./commands/rbac.ts";
import { renderCommand } from "./commands/render.ts";
import { reportCommand } from "./commands/report.ts";
import { resumeSourceCommand } from "./commands/resume-source.ts";
import { secretCreateCommand } from "./commands/secret.ts";
import { startCommand } from "./commands/start.ts";
import { statusCommand } from "./commands/status.ts";
import { undoCommand } from "./commands/undo.ts";
import { verifyCommand } from "./commands/verify.ts";
import type { CliContext } from "./context.ts";

export const cliCommands: readonly Command<CliContext>[] = [
  startCommand,
  initCommand,
  doctorCommand,
  planCommand,
  statusCommand,
  logsCommand,
  debugCommand,
  deleteCommand,
  renderCommand,
  reportCommand,
  resumeSourceCommand,
  rbacCommand,
  secretCreateCommand,
  imageLoadCommand,
  imagePushCommand,
  verifyCommand,
  undoCommand,
];
