import { timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { codeOf, MigrationError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { directTls, keyLength, pskIdentity } from "./direct-tls.ts";

/** The way past the API: TLS 1.3 connections of who has the key. */
export interface DirectListener {
  /** Gives the port. Doing it again changes nothing; another key or port takes the place. */
  listen(key: Buffer, port?: number): Promise<number>;
  close(): void;
}

interface ListenerOptions {
  /** Where no port is asked for; 0 is any. */
  port: number;
  log: Logger;
  onConnection(socket: TLSSocket): void;
}

interface Listening {
  server: Server;
  key: Buffer;
  asked: number;
  port: number;
}

export function makeDirectListener(options: ListenerOptions): DirectListener {
  let current: Promise<Listening> | undefined;
  async function replace(key: Buffer, asked: number, before: Listening | undefined) {
    if (before !== undefined) {
      if (before.asked === asked && timingSafeEqual(before.key, key)) return before;
      before.server.close();
    }
    return await open(key, asked, options);
  }
  return {
    async listen(key, asked = options.port) {
      if (key.length !== keyLength) {
        throw new MigrationError("E_REFUSED", `A key has ${keyLength} bytes, not ${key.length}`);
      }
      const before = current?.catch(() => undefined);
      const next = Promise.resolve(before).then((listening) => replace(key, asked, listening));
      current = next;
      return (await next).port;
    },
    close() {
      current?.then(({ server }) => server.close()).catch(() => undefined);
      current = undefined;
    },
  };
}

async function open(key: Buffer, asked: number, options: ListenerOptions): Promise<Listening> {
  const { log, onConnection } = options;
  const server = createServer(
    {
      ...directTls,
      noDelay: true,
      pskCallback: (_, identity) => (identity === pskIdentity ? key : null),
    },
    onConnection,
  );
  server.on("tlsClientError", (error, socket) => {
    const { remoteAddress } = socket;
    log.warn({ remoteAddress, reason: error.message }, "Refused a connection without the key");
  });
  server.listen(asked);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new MigrationError("E_UNAVAILABLE", `Cannot listen on port ${asked}: ${codeOf(cause)}`, {
      cause,
      hint: "Another process of the pod may have it",
    });
  }
  const { port } = server.address() as AddressInfo;
  log.info({ port }, "Listening for direct connections");
  return { server, key, asked, port };
}
