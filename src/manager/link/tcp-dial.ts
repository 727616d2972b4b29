import { once } from "node:events";
import { connect } from "node:net";
import type { Dial } from "../../core/dial.ts";

/** Connects from here. Either side may end its direction before the other. */
export const tcpDial: Dial = async ({ host, port }, signal) => {
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  try {
    await once(socket, "connect", signal === undefined ? {} : { signal });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return socket;
};
