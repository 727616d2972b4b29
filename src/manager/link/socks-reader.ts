import { once } from "node:events";
import type { Socket } from "node:net";
import type { Take } from "./socks-handshake.ts";

/** Reads what is asked for and notices when the client leaves; the rest stays in the stream. */
export function readerOf(client: Socket): { take: Take; gone: AbortSignal; release(): void } {
  const leaving = new AbortController();
  const leave = () => leaving.abort(new Error("The client left before the connection was made"));
  // Without a listener that reads, the end would not be seen while a connection is made.
  const look = () => void client.read(0);
  client.on("readable", look);
  client.once("end", leave);
  client.once("close", leave);
  async function take(count: number): Promise<Buffer> {
    for (;;) {
      const bytes: Buffer | null = client.read(count);
      if (bytes?.length === count) return bytes;
      if (bytes !== null) throw new Error("It ended in the middle of its request");
      await once(client, "readable", { signal: leaving.signal });
    }
  }
  function release() {
    client.off("readable", look);
    client.off("end", leave);
    client.off("close", leave);
  }
  return { take, gone: leaving.signal, release };
}
