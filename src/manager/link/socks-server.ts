import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Dial } from "../../core/dial.ts";
import { MigrationError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import { registerSecret } from "../../core/secrets.ts";
import { type LinkFailures, makeLinkFailures, wordsOf } from "./link-failures.ts";
import { dialInTime, join, replyFor } from "./socks-connect.ts";
import {
  readSocksTarget,
  type SocksLogin,
  type SocksTarget,
  socksReplies,
  writeReply,
} from "./socks-handshake.ts";
import { readerOf } from "./socks-reader.ts";

export interface SocksOptions {
  /**
   * Closes the server and all of its connections at once. Not the signal that stops a run: then a
   * worker still finishes its batch.
   */
  signal?: AbortSignal | undefined;
  log?: Logger | undefined;
  /** More than these at the same time are refused. */
  maxConnections?: number | undefined;
}

export interface SocksServer extends Pick<LinkFailures, "lastError" | "explain"> {
  /** On 127.0.0.1. */
  readonly port: number;
  readonly login: SocksLogin;
  close(): Promise<void>;
}

/** A replica set of seven members, each with a full pool and two monitors, has room. */
const defaultConnections = 256;

const handshakeMs = 10_000;

interface Service {
  dial: Dial;
  login: SocksLogin;
  failures: LinkFailures;
  log: Logger | undefined;
}

/** A SOCKS 5 server on a free port of 127.0.0.1 whose connections are made by `dial`. */
export async function openSocks(dial: Dial, options: SocksOptions = {}): Promise<SocksServer> {
  const { signal, log, maxConnections = defaultConnections } = options;
  signal?.throwIfAborted();
  const login = { username: randomText(), password: randomText() };
  registerSecret(login.password);
  const failures = makeLinkFailures(log);
  const service: Service = { dial, login, failures, log };
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    void serve(socket, service);
  });
  server.maxConnections = maxConnections;
  server.on("drop", () => log?.warn({ maxConnections }, "Link has too many connections"));
  async function close() {
    signal?.removeEventListener("abort", close);
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    await closed;
  }
  const port = await listen(server);
  // One that cannot be accepted (no more file descriptors) is one client's failure.
  server.on("error", (error) => log?.warn({ reason: wordsOf(error) }, "Link cannot accept"));
  if (signal?.aborted) await close();
  signal?.addEventListener("abort", close, { once: true });
  return { port, login, close, lastError: failures.lastError, explain: failures.explain };
}

function randomText(): string {
  return randomBytes(24).toString("base64url");
}

async function listen(server: Server): Promise<number> {
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const address = server.address();
  if (typeof address === "object" && address !== null) return address.port;
  throw new MigrationError("E_UNEXPECTED", "The link has no port");
}

/** Never rejects: what goes wrong with one connection ends that one. */
async function serve(client: Socket, service: Service): Promise<void> {
  // An error is followed by "close", which ends whatever waits.
  client.on("error", () => {});
  client.setTimeout(handshakeMs, () => client.destroy());
  const reader = readerOf(client);
  let target: SocksTarget;
  try {
    target = await readSocksTarget(client, reader.take, service.login);
  } catch (error) {
    const reason = wordsOf(error);
    if (!reader.gone.aborted) service.log?.warn({ reason }, "Link refused a client");
    client.destroySoon();
    return;
  }
  client.setTimeout(0);
  try {
    const far = await dialInTime(service.dial, target, reader.gone);
    service.failures.clear(target);
    writeReply(client, socksReplies.succeeded);
    reader.release();
    await join(client, far, (error) => service.failures.note(target, error));
  } catch (error) {
    // Who closes its connection does not want to know.
    if (!reader.gone.aborted) service.failures.note(target, error);
    if (!client.destroyed) writeReply(client, replyFor(error));
    client.destroySoon();
  }
}
