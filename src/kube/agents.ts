import { Agent as HttpAgent } from "node:http";
import { type AgentOptions, Agent as HttpsAgent } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { SocksClient } from "socks";

/** Connections to one server, straight or through a proxy. */
export interface Agents {
  /** Kept open from one request to the next. */
  pooled: HttpAgent;
  /** A new connection each time: what must not fail because an old one was closed meanwhile. */
  single: HttpAgent;
  close(): void;
}

/** A peer that is gone is found by TCP's own probes, some seconds after this much silence. */
const keepAliveMsecs = 30_000;

export function makeAgents(server: URL, proxy: URL | undefined): Agents {
  const pooled = makeAgent(server, proxy, { keepAlive: true, keepAliveMsecs });
  const single = makeAgent(server, proxy, { keepAlive: false });
  return {
    pooled,
    single,
    close() {
      pooled.destroy();
      single.destroy();
    },
  };
}

function makeAgent(server: URL, proxy: URL | undefined, options: AgentOptions): HttpAgent {
  const Agent = server.protocol === "http:" ? HttpAgent : HttpsAgent;
  if (proxy === undefined) return new Agent(options);
  if (proxy.protocol.startsWith("socks")) {
    return Object.assign(new Agent(options), { createConnection: throughSocks(server, proxy) });
  }
  const { href } = proxy;
  return new Agent({ ...options, proxyEnv: { HTTP_PROXY: href, HTTPS_PROXY: href } });
}

interface ConnectionOptions {
  host: string;
  port: number | string;
}

type Connected = (error: Error | null, socket?: Duplex) => void;

/** The agent's own way to connect, but over SOCKS5; the proxy resolves the name. */
function throughSocks(server: URL, proxy: URL) {
  async function open(options: ConnectionOptions): Promise<Duplex> {
    const socket = await openThroughSocks(proxy, options);
    return server.protocol === "http:" ? socket : secured(socket, options);
  }
  return (options: ConnectionOptions, connected: Connected) => {
    open(options).then(
      (socket) => connected(null, socket),
      (error: Error) => connected(error),
    );
  };
}

async function openThroughSocks(proxy: URL, options: ConnectionOptions): Promise<Socket> {
  const { username, password, hostname, port } = proxy;
  const { socket } = await SocksClient.createConnection({
    proxy: {
      type: 5,
      host: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port || 1080),
      ...(username === "" ? {} : { userId: decodeURIComponent(username) }),
      ...(password === "" ? {} : { password: decodeURIComponent(password) }),
    },
    command: "connect",
    destination: { host: options.host, port: Number(options.port) },
    timeout: keepAliveMsecs,
  });
  socket.setKeepAlive(true, keepAliveMsecs);
  return socket;
}

async function secured(socket: Socket, options: ConnectionOptions): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const secure = connectTls({ ...options, port: Number(options.port), socket });
  secure.once("secureConnect", () => resolve(secure)).once("error", reject);
  return promise;
}
