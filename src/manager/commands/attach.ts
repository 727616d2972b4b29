import { options } from "../../config/options.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes } from "../../core/errors.ts";
import { attach } from "../../receiver/attach.ts";
import type { ManagerContext } from "../context.ts";

export const attachCommand = defineCommand({
  args: { socket: { ...options.socket, required: true } },
  examples: [
    ["migmgr attach --socket /tmp/migmgr-receive/agent.sock", "What an exec session runs"],
  ],
  async run({ socket }, { stop }: ManagerContext) {
    const { stdin, stdout } = process;
    await attach(socket, { input: stdin, output: stdout, signal: stop.signal });
    return exitCodes.done;
  },
});
