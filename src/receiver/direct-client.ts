import { once } from "node:events";
import type { Duplex } from "node:stream";
import { connect, type PSKCallbackNegotation } from "node:tls";
import { MigrationError } from "../core/errors.ts";
import { directTls, pskIdentity } from "./direct-tls.ts";

export interface DirectTarget {
  host: string;
  port: number;
  /** As it was handed to the agent. */
  key: Buffer;
}

/** A TLS connection to an agent that has the same key. */
export async function openDirect(target: DirectTarget, signal?: AbortSignal): Promise<Duplex> {
  const { host, port, key } = target;
  signal?.throwIfAborted();
  const socket = connect({
    ...directTls,
    host,
    port,
    pskCallback: (): PSKCallbackNegotation => ({ psk: key, identity: pskIdentity }),
    // Without a certificate the key is what both ends are known by.
    checkServerIdentity: () => undefined,
  });
  try {
    await once(socket, "secureConnect", signal === undefined ? {} : { signal });
    socket.setNoDelay(true);
    return socket;
  } catch (cause) {
    socket.destroy();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MigrationError("E_UNAVAILABLE", `Cannot connect to ${host} port ${port}: ${reason}`, {
      cause,
      hint: "Check that the network policies of both namespaces allow it",
    });
  }
}
