import type { Command } from "../core/command.ts";
import { checkCommand } from "./commands/check.ts";
import { dbBackupCommand, dbRestoreCommand, dbVerifyCommand } from "./commands/db.ts";
import { filesSyncCommand, filesTarCommand } from "./commands/files.ts";
import { filesVerifyCommand } from "./commands/files-verify.ts";
import { forecastCommand } from "./commands/forecast.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { runCommand } from "./commands/run.ts";
import { statusCommand } from "./commands/status.ts";
import { verifyCommand } from "./commands/verify.ts";
import type { ManagerContext } from "./context.ts";

export const managerCommands: readonly Command<ManagerContext>[] = [
  runCommand,
  statusCommand,
  checkCommand,
  forecastCommand,
  verifyCommand,
  dbBackupCommand,
  dbRestoreCommand,
  dbVerifyCommand,
  filesSyncCommand,
  filesTarCommand,
  filesVerifyCommand,
  inspectCommand,
];
