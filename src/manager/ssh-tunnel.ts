import { createServer, connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { MigrationError } from "../core/errors.ts";

export interface Tunnel {
  /** Local port on 127.0.0.1 that leads to the far host and port. */
  port: number;
  close(): Promise<void>;
}

const readySeconds = 20;

/**
 * Opens a tunnel by the system's ssh, with its own configuration, keys and known hosts: an unknown
 * or changed host key ends it, and no password is asked for.
 */
export async function openTunnel(target: string, far: string): Promise<Tunnel> {
  if (target.startsWith("-")) {
    throw new MigrationError("E_USAGE", `"${target}" is not an SSH host`, {
      hint: "Give it as user@host",
    });
  }
  const port = await freePort();
  const forward = `127.0.0.1:${port}:${far}`;
  const options = ["ExitOnForwardFailure=yes", "BatchMode=yes", "ServerAliveInterval=15"];
  const flags = options.flatMap((option) => ["-o", option]);
  const child = execa("ssh", ["-N", ...flags, "-L", forward, "--", target], {
    ...{ reject: false, stdin: "ignore", stdout: "ignore" },
  });
  let ended: string | undefined;
  const end = child.then(({ stderr, exitCode, shortMessage }) => {
    ended = stderr || (shortMessage ?? `exit code ${exitCode}`);
  });
  for (let tries = 0; tries < readySeconds * 10; tries += 1) {
    if (await answers(port)) return { port, close: () => closeTunnel(child.kill.bind(child), end) };
    if (ended !== undefined) break;
    await Promise.race([sleep(100), end]);
  }
  child.kill();
  throw new MigrationError("E_UNAVAILABLE", `Cannot open an SSH tunnel to "${target}"`, {
    cause: new Error(ended ?? "it did not answer in time"),
    hint: `Try "ssh ${target} true": it must work without a question. ${ended?.trim() ?? ""}`.trim(),
  });
}

async function closeTunnel(kill: () => unknown, end: Promise<void>) {
  kill();
  await end;
}

async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer().on("error", reject);
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    server.close(() => resolve(port));
  });
  return promise;
}

async function answers(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: "127.0.0.1", port });
  socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  const answer = await promise;
  socket.destroy();
  return answer;
}
