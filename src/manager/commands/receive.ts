import { options } from "../../config/options.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes } from "../../core/errors.ts";
import { receiverSocket } from "../../receiver/protocol.ts";
import { serveAtSocket } from "../../receiver/serve-socket.ts";
import type { ManagerContext } from "../context.ts";
import { readSeconds } from "../read-seconds.ts";

export const receiveCommand = defineCommand({
  args: {
    root: options.root,
    port: options.port,
    socket: { ...options.socket, default: receiverSocket },
    "idle-timeout": options["idle-timeout"],
  },
  examples: [
    ["migmgr receive --root /data", "Serve /data to who attaches"],
    ["migmgr receive --root /data --idle-timeout 10m", "End when nobody was attached for so long"],
  ],
  async run(flags, { log, stop }: ManagerContext) {
    const { root, port, socket = receiverSocket } = flags;
    const idleTimeout = readSeconds("--idle-timeout", flags["idle-timeout"]);
    const { signal } = stop;
    await serveAtSocket({ root, port, socket, idleTimeout, log, signal });
    return exitCodes.done;
  },
});
