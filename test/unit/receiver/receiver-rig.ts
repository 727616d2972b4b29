import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { type Agent, type AgentOptions, openAgent } from "../../../src/receiver/agent.ts";
import {
  type AgentReceiver,
  connectReceiver,
  type OpenStream,
  type ReceiverOptions,
} from "../../../src/receiver/connect-receiver.ts";
import { tempDir } from "../../support/temp-dir.ts";

export const silent = pino({ level: "silent" });

export interface ServedAgent {
  agent: Agent;
  /** A new connection to it, each time. */
  open: OpenStream;
  /** The connections that were made, for a test to break. */
  connections: Socket[];
}

/** An agent of this process behind a unix socket, for the running test. */
export async function serveAgent(options: Partial<AgentOptions> = {}): Promise<ServedAgent> {
  const folder = tempDir();
  const agent = openAgent({ root: folder, log: silent, ...options });
  const path = join(tempDir(), "agent.sock");
  const server = createServer((socket) => void agent.serve(socket, "control")).listen(path);
  await once(server, "listening");
  onTestFinished(async () => {
    await agent.close();
    server.close();
  });
  const connections: Socket[] = [];
  const open = async () => {
    const socket = connect(path);
    connections.push(socket);
    await once(socket, "connect");
    return socket;
  };
  return { agent, open, connections };
}

export async function connectTo(
  open: OpenStream,
  options: Partial<ReceiverOptions> = {},
): Promise<AgentReceiver> {
  const receiver = await connectReceiver(open, { label: "receiver", log: silent, ...options });
  onTestFinished(() => receiver.close());
  return receiver;
}

/** A stream that is no socket, as an exec session is none. */
export async function asPlainDuplex(open: OpenStream): Promise<Duplex> {
  const socket = await open();
  return Duplex.from({ readable: socket, writable: socket });
}

/** A server on 127.0.0.1 that does as `onConnection` says. */
export async function startServer(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
