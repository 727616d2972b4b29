import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { SocksClient } from "socks";
import { onTestFinished } from "vitest";
import type { Dial } from "../../../src/core/dial.ts";
import {
  openSocks,
  type SocksOptions,
  type SocksServer,
} from "../../../src/manager/link/socks-server.ts";
import { tcpDial } from "../../../src/manager/link/tcp-dial.ts";

/** A server on 127.0.0.1 that does as `onConnection` says. */
export async function startServer(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
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

export async function startSocks(dial: Dial, options: SocksOptions = {}): Promise<SocksServer> {
  const socks = await openSocks(dial, options);
  onTestFinished(() => socks.close());
  return socks;
}

/** Looks nothing up: whatever the host is called, its port is one of 127.0.0.1. */
export function dialLocally(asked: string[] = []): Dial {
  return ({ host, port }, signal) => {
    asked.push(`${host}:${port}`);
    return tcpDial({ host: "127.0.0.1", port }, signal);
  };
}

/** As the driver connects: by the package that it uses. */
export async function connectThrough(
  { port, login }: SocksServer,
  destination: { host: string; port: number },
  password = login.password,
): Promise<Socket> {
  const { socket } = await SocksClient.createConnection({
    proxy: { host: "127.0.0.1", port, type: 5, userId: login.username, password },
    command: "connect",
    destination,
  });
  onTestFinished(() => void socket.destroy());
  return socket;
}
