import type { Command } from "../core/command.ts";
import { attachCommand } from "./commands/attach.ts";
import { checkCommand } from "./commands/check.ts";
import { collectCommand } from "./commands/collect.ts";
import { dbBackupCommand, dbRestoreCommand, dbVerifyCommand } from "./commands/db.ts";
import { filesSyncCommand, filesTarCommand } from "./commands/files.ts";
import { filesVerifyCommand } from "./commands/files-verify.ts";
import { fingerprintCommand } from "./commands/fingerprint.ts";
import { forecastCommand } from "./commands/forecast.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { listCommand } from "./commands/list.ts";
import { probeCommand } from "./commands/probe.ts";
import { receiveCommand } from "./commands/receive.ts";
import { runCommand } from "./commands/run.ts";
import { statusCommand } from "./commands/status.ts";
import { undoCommand } from "./commands/undo.ts";
import { verifyCommand } from "./commands/verify.ts";
import type { ManagerContext } from "./context.ts";

export const managerCommands: readonly Command<ManagerContext>[] = [
  runCommand,
  statusCommand,
  listCommand,
  collectCommand,
  checkCommand,
  forecastCommand,
  fingerprintCommand,
  verifyCommand,
  undoCommand,
  dbBackupCommand,
  dbRestoreCommand,
  dbVerifyCommand,
  filesSyncCommand,
  filesTarCommand,
  filesVerifyCommand,
  inspectCommand,
  probeCommand,
  receiveCommand,
  attachCommand,
];
