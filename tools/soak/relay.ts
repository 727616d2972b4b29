import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Leads to one port of this machine; disturbs its connections without any rights. */
export interface Relay {
  port: number;
  /** Resets every connection; returns how many there were. */
  cut(): number;
  /** Nothing passes any more, and nobody is told, until `release`; returns for how many. */
  hold(): number;
  release(): void;
  close(): void;
}

interface Pair {
  near: Socket;
  far: Socket;
}

export async function startRelay(to: number): Promise<Relay> {
  const pairs = new Set<Pair>();
  let isHeld = false;
  const server = createServer((near) => {
    const pair = { near, far: connect(to, "127.0.0.1") };
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      near.resetAndDestroy();
      pair.far.resetAndDestroy();
    };
    for (const socket of [near, pair.far]) socket.on("error", end).once("close", end);
    if (!isHeld) lead(pair);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  function cut(): number {
    const count = pairs.size;
    for (const { near } of [...pairs]) near.resetAndDestroy();
    return count;
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    hold() {
      isHeld = true;
      for (const { near, far } of pairs) {
        near.unpipe(far).pause();
        far.unpipe(near).pause();
      }
      return pairs.size;
    },
    release() {
      isHeld = false;
      for (const pair of pairs) lead(pair);
    },
    close() {
      server.close();
      cut();
    },
  };
}

function lead({ near, far }: Pair) {
  near.pipe(far).pipe(near);
}
