import type { Command } from "../core/command.ts";
import { planCommand } from "./commands/plan.ts";
import { reportCommand } from "./commands/report.ts";
import { startCommand } from "./commands/start.ts";
import { statusCommand } from "./commands/status.ts";
import { verifyCommand } from "./commands/verify.ts";
import type { CliContext } from "./context.ts";

export const cliCommands: readonly Command<CliContext>[] = [
  startCommand,
  planCommand,
  statusCommand,
  reportCommand,
  verifyCommand,
];
