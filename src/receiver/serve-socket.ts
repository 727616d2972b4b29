import { once } from "node:events";
import { chmod, mkdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { MigrationError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { openAgent } from "./agent.ts";

export interface ServeOptions {
  root: string;
  /** The path of the unix socket; its folder is this process's own. */
  socket: string;
  port?: number | undefined;
  /** Seconds without a session after which it ends by itself. */
  idleTimeout?: number | undefined;
  log: Logger;
  signal: AbortSignal;
}

/** Serves a folder at a unix socket that only this user can reach, until it is to stop. */
export async function serveAtSocket(options: ServeOptions): Promise<"stopped" | "idle"> {
  const { root, socket, port, log, signal } = options;
  await makePrivateFolder(dirname(socket));
  await rm(socket, { force: true });
  const idle = watchIdle(options.idleTimeout);
  const agent = openAgent({ root, port, log, onSessions: idle.onSessions });
  const server = createServer((connection) => void agent.serve(connection, "control"));
  try {
    server.listen(socket);
    await once(server, "listening");
    await chmod(socket, 0o600);
    log.info({ root, socket }, "Receiver ready");
    const end = AbortSignal.any([signal, idle.signal]);
    if (!end.aborted) await once(end, "abort");
  } finally {
    idle.end();
    server.close();
    await agent.close();
    await rm(socket, { force: true });
  }
  const reason = signal.aborted ? "stopped" : "idle";
  log.info({ reason }, "Receiver ended");
  return reason;
}

async function makePrivateFolder(folder: string) {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
  } catch (cause) {
    throw new MigrationError("E_FOLDER", `The folder "${folder}" of the socket is not ours`, {
      cause,
      hint: "Name a socket in a folder of this user with --socket",
    });
  }
}

/** Its signal is aborted when there was no session for so many seconds. */
function watchIdle(seconds: number | undefined) {
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  function end() {
    clearTimeout(timer);
  }
  function onSessions(count: number) {
    end();
    if (count === 0 && seconds !== undefined)
      timer = setTimeout(() => stop.abort(), seconds * 1000);
  }
  onSessions(0);
  return { signal: stop.signal, onSessions, end };
}
