import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface ProxyRig {
  url: string;
  /** What it was asked to connect to, with the credentials that it got. */
  asked: { target: string; authorization: string | undefined }[];
  /** Cuts every connection that goes through it. */
  cut(): void;
}

/** An HTTP proxy that leads every CONNECT to one port of this machine. */
export async function startConnectProxy(port: number): Promise<ProxyRig> {
  const asked: ProxyRig["asked"] = [];
  const open = new Set<Socket>();
  const server = createHttpServer();
  server.on("connect", (request, client: Socket) => {
    const authorization = request.headers["proxy-authorization"];
    asked.push({ target: request.url ?? "", authorization });
    open.add(client);
    client.on("close", () => open.delete(client));
    const far = connect(port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      client.pipe(far).pipe(client);
    });
    far.on("error", () => client.destroy());
    client.on("error", () => far.destroy()).on("close", () => far.destroy());
  });
  const own = await listening(server);
  const cut = () => {
    for (const client of open) client.resetAndDestroy();
  };
  onTestFinished(() => {
    cut();
    server.close();
  });
  return { url: `http://127.0.0.1:${own}`, asked, cut };
}

/** A SOCKS5 proxy without a log-in that leads every request to one port of this machine. */
export async function startSocksProxy(port: number): Promise<ProxyRig> {
  const asked: ProxyRig["asked"] = [];
  const open = new Set<Socket>();
  const server = createTcpServer((client) => {
    open.add(client);
    client.on("close", () => open.delete(client));
    client.on("error", () => client.destroy());
    client.once("data", () => {
      client.write(Buffer.of(5, 0));
      client.once("data", (request: Buffer) => {
        const length = request[4] ?? 0;
        const host = request.subarray(5, 5 + length).toString();
        asked.push({
          target: `${host}:${request.readUInt16BE(5 + length)}`,
          authorization: undefined,
        });
        const far = connect(port, "127.0.0.1", () => {
          client.write(Buffer.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
          client.pipe(far).pipe(client);
        });
        far.on("error", () => client.destroy());
        client.on("close", () => far.destroy());
      });
    });
  });
  const own = await listening(server);
  const cut = () => {
    for (const client of open) client.resetAndDestroy();
  };
  onTestFinished(() => {
    cut();
    server.close();
  });
  return { url: `socks5://127.0.0.1:${own}`, asked, cut };
}

interface Listening {
  listen(port: number, host: string, done: () => void): unknown;
  address(): AddressInfo | string | null;
}

/** The port of 127.0.0.1 that it got. */
export function listening(server: Listening): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}
